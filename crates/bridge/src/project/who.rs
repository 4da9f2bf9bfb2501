use std::fmt::Write as _;

use tieline_core::{PartyMatch, RecordId};

use super::record::Known;
use crate::profile::Profile;

/// Whom the customer is taken to be.
pub(super) struct Who<'a> {
    pub person: Option<PartyMatch>,
    pub company: Option<PartyMatch>,
    /// All there are, when it is not clear.
    candidates: &'a [PartyMatch],
}

impl<'a> Who<'a> {
    pub fn of(profile: &Profile, known: &Known<'a>) -> Self {
        let matches: &'a [PartyMatch] = known.party.map_or(&[], |party| party.matches.as_slice());
        let only = |person: bool| {
            let mut of_kind = matches.iter().filter(|party| party.person == person);
            match (of_kind.next(), of_kind.next()) {
                (Some(one), None) => Some(one.clone()),
                _ => None,
            }
        };
        let mut who = Self { person: only(true), company: only(false), candidates: matches };
        if who.is_clear() {
            who.candidates = &[];
        }
        let chosen = profile.call_log().and_then(|record| record.chosen.as_ref());
        if let (Some(chosen), Some(flow)) = (chosen, known.flow) {
            let pick = |field: &str, person: bool| {
                let id = RecordId::new(flow.get(field)?.as_str()?).ok()?;
                if let Some(party) = matches.iter().find(|party| same_record(&party.record, &id)) {
                    return Some(party.clone());
                }
                let object =
                    chosen.prefixes.iter().find(|(start, _)| id.as_str().starts_with(start.as_str()))?.1;
                let (object, name) = (object.clone(), String::new());
                Some(PartyMatch { record: id, object, name, field: None, person, modified_at: None })
            };
            if let Some(person) = pick(&chosen.person, true) {
                who.person = Some(person);
                who.candidates = &[];
            }
            if let Some(company) = pick(&chosen.company, false) {
                who.company = Some(company);
            }
        }
        who
    }

    /// One person and at most one company, or one company alone, or nobody.
    fn is_clear(&self) -> bool {
        let found = usize::from(self.person.is_some()) + usize::from(self.company.is_some());
        self.candidates.len() == found
    }

    pub fn name(&self) -> Option<&str> {
        let party = self.person.as_ref().or(self.company.as_ref().filter(|_| self.candidates.is_empty()))?;
        Some(party.name.as_str()).filter(|name| !name.is_empty())
    }

    pub fn list(&self) -> Option<String> {
        let mut text = String::new();
        for party in self.candidates {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{} {} {}", party.object, party.record, party.name);
        }
        (!text.is_empty()).then(|| text.trim_end().to_owned())
    }
}

/// Record ids come with and without a checksum at their end.
fn same_record(one: &RecordId, other: &RecordId) -> bool {
    let (one, other) = (one.as_str(), other.as_str());
    one == other || (one.len().min(other.len()) >= 15 && (one.starts_with(other) || other.starts_with(one)))
}
