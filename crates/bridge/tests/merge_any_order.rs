//! Deliveries repeat and overtake each other: the contact must not depend on it.
#![allow(clippy::unwrap_used)]

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use tieline_bridge::merge::{KeptPart, absorb, merge};
use tieline_core::{Contact, ContactChange, ContactId, ContactState, PartKind, QueueRef, Version};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

fn facts() -> impl Strategy<Value = Contact> {
    let state = select(vec![
        ContactState::Started,
        ContactState::Queued,
        ContactState::Connected,
        ContactState::Ended,
        ContactState::Completed,
    ]);
    let queue = select(vec!["Sales", "Billing", "Support"]);
    (
        option::of(state),
        option::of("[a-c]{1,2}"),
        option::of(queue),
        option::of(0_u64..50),
        option::of(0_i64..50),
    )
        .prop_map(|(state, customer, queue, talk_secs, ended)| Contact {
            state,
            customer,
            queue: queue.map(|name| QueueRef { id: None, name: Some(name.into()) }),
            talk_secs,
            ended_at: ended.map(at),
            ..Contact::default()
        })
}

/// Changes of one contact. A contact record's time of last update names its content: two
/// records of the same time are the same record.
fn changes() -> impl Strategy<Value = Vec<ContactChange>> {
    let event = (select(vec![0_u8, 10, 20, 30, 40, 50, 60]), 0_i64..8, facts());
    (vec(event, 0..10), vec(facts(), 0..5), vec((0_i64..5, facts()), 0..3)).prop_map(
        |(events, records, pages)| {
            let contact = ContactId::new("c-42").unwrap();
            let change = |kind, rank, second, document| ContactChange {
                contact: contact.clone(),
                kind,
                version: Version { rank, at: at(second) },
                document,
            };
            let mut all = Vec::new();
            all.extend(
                events.into_iter().map(|(rank, second, facts)| change(PartKind::Event, rank, second, facts)),
            );
            all.extend((0..).zip(records).map(|(second, facts)| change(PartKind::Record, 0, second, facts)));
            all.extend(pages.into_iter().map(|(second, facts)| change(PartKind::Page, 0, second, facts)));
            all
        },
    )
}

fn arrive(changes: &[ContactChange]) -> Contact {
    let mut parts: Vec<KeptPart> = Vec::new();
    for change in changes {
        let kept = parts.iter().position(|part| part.kind == change.kind);
        if let Some(part) = absorb(kept.map(|place| &parts[place]), change) {
            match kept {
                Some(place) => parts[place] = part,
                None => parts.push(part),
            }
        }
    }
    merge(&parts)
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_give_the_same_contact(
        original in changes(),
        order in Just(()).prop_flat_map(|()| vec(any::<Index>(), 40)),
    ) {
        let expected = arrive(&original);
        let mut shuffled = original.clone();
        for (place, other) in order.iter().enumerate().take(shuffled.len()) {
            let other = other.index(shuffled.len());
            shuffled.swap(place, other);
        }
        prop_assert_eq!(&arrive(&shuffled), &expected);

        let mut repeated = shuffled.clone();
        for index in &order {
            if !original.is_empty() {
                repeated.push(original[index.index(original.len())].clone());
            }
        }
        prop_assert_eq!(&arrive(&repeated), &expected);
    }

    #[test]
    fn the_state_never_goes_back(original in changes()) {
        let mut furthest = None;
        for upto in 0..=original.len() {
            let state = arrive(&original[..upto]).state;
            // A newer contact record without a state may take the older record's word back; events never do.
            if original[..upto].iter().all(|change| change.kind == PartKind::Event) {
                prop_assert!(state >= furthest);
                furthest = state;
            }
        }
    }
}
