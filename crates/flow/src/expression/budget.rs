//! What one evaluation may still build.
//!
//! The functions of `cel` are plain function pointers without a place for state, so the state of
//! the evaluation that this thread is in lies here. [`begin`] hands out a guard; nothing in an
//! evaluation waits, so a thread is never in two.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;

use cel::ExecutionError;
use regex::Regex;

/// Bytes of text, and elements counted as [`ELEMENT`] bytes each, that an evaluation may build. The
/// longest text field of a CRM has half of it.
const BUDGET: usize = 256 * 1024;
/// What an element of a list counts for.
pub(super) const ELEMENT: usize = 16;
/// Longest list or map a comprehension goes through.
pub(super) const RANGE: usize = 1000;

struct State {
    left: usize,
    region: Option<String>,
    patterns: Arc<[Regex]>,
}

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// Ends the evaluation's budget when it goes out of scope.
pub(super) struct Guard(PhantomData<*const ()>);

impl Drop for Guard {
    fn drop(&mut self) {
        STATE.with_borrow_mut(|state| *state = None);
    }
}

pub(super) fn begin(region: Option<&str>, patterns: &Arc<[Regex]>) -> Guard {
    let state = State { left: BUDGET, region: region.map(str::to_owned), patterns: Arc::clone(patterns) };
    STATE.with_borrow_mut(|slot| *slot = Some(state));
    Guard(PhantomData)
}

/// A second pass over the same expression gets the same budget.
pub(super) fn refill() {
    STATE.with_borrow_mut(|state| {
        if let Some(state) = state {
            state.left = BUDGET;
        }
    });
}

pub(super) fn spend(bytes: usize) -> Result<(), ExecutionError> {
    STATE.with_borrow_mut(|state| {
        let left = state.as_mut().map(|state| &mut state.left);
        match left {
            Some(left) if *left >= bytes => {
                *left -= bytes;
                Ok(())
            }
            _ => Err(ExecutionError::function_error("budget", "the expression builds too much")),
        }
    })
}

pub(super) fn region() -> Option<String> {
    STATE.with_borrow(|state| state.as_ref()?.region.clone())
}

pub(super) fn pattern(index: usize) -> Option<Regex> {
    STATE.with_borrow(|state| state.as_ref()?.patterns.get(index).cloned())
}
