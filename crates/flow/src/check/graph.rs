use std::collections::HashMap;

use crate::Document;

/// Who leads to whom.
pub(super) struct Graph {
    start: Option<usize>,
    /// `reach[a]` has `b` when a way of at least one branch leads from `a` to `b`.
    reach: Vec<Row>,
    positions: HashMap<String, usize>,
}

impl Graph {
    pub fn new(document: &Document, start: Option<usize>) -> Self {
        let positions: HashMap<String, usize> =
            document.steps.keys().enumerate().map(|(index, id)| (id.clone(), index)).collect();
        let mut reach = vec![Row::new(positions.len()); positions.len()];
        for (row, step) in reach.iter_mut().zip(document.steps.values()) {
            step.next.values().filter_map(|target| positions.get(target)).for_each(|to| row.set(*to));
        }
        // Warshall: by way of each step in turn. A hostile document has 500 steps of 500 branches.
        for way in 0..reach.len() {
            let beyond = reach[way].clone();
            reach.iter_mut().filter(|row| row.has(way)).for_each(|row| row.join(&beyond));
        }
        Self { start, reach, positions }
    }

    pub fn position(&self, id: &str) -> Option<usize> {
        self.positions.get(id).copied()
    }

    /// Without a start nothing is reachable, and saying so of each step would help nobody.
    pub fn is_reachable(&self, id: &str) -> bool {
        match (self.start, self.position(id)) {
            (Some(start), Some(index)) => start == index || self.reach[start].has(index),
            (None, _) | (_, None) => true,
        }
    }

    /// True when a way leads from `earlier` to `later`, so that it may have run before.
    pub fn can_precede(&self, earlier: usize, later: usize) -> bool {
        self.reach[earlier].has(later)
    }

    /// True when the branch from `a` to `b` lies on a cycle.
    pub fn on_cycle(&self, a: usize, b: usize) -> bool {
        a == b || self.reach[b].has(a)
    }
}

/// A set of positions, one bit each.
#[derive(Clone)]
struct Row(Vec<u64>);

impl Row {
    fn new(positions: usize) -> Self {
        Self(vec![0; positions.div_ceil(64)])
    }

    fn set(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    fn has(&self, index: usize) -> bool {
        self.0[index / 64] & (1 << (index % 64)) != 0
    }

    fn join(&mut self, other: &Self) {
        for (own, more) in self.0.iter_mut().zip(&other.0) {
            *own |= more;
        }
    }
}
