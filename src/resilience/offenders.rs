use serde::{Deserialize, Serialize};

use crate::types::Label;

/// Who fails most, of any number of sources in bounded memory.
///
/// "Space-saving" (Metwally, Agrawal, El Abbadi, 2005): when there is no room, a new source takes
/// the place of the one with the smallest count, and inherits it as its possible error. Every
/// source that has failed more often than the total over the places is certainly listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offenders {
    most: usize,
    list: Vec<Offender>,
}

/// How often one source has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offender {
    /// Which source.
    pub source: Label,
    /// So often at most.
    pub count: u64,
    /// So many of them may belong to sources that are not listed any more.
    pub error: u64,
}

impl Offenders {
    /// An empty list of at most `most` places, from 1 to 1,024.
    pub fn new(most: usize) -> Self {
        Self { most: most.clamp(1, 1_024), list: Vec::new() }
    }

    /// A source has failed.
    pub fn count(&mut self, source: Label) {
        if let Some(known) = self.list.iter_mut().find(|known| known.source == source) {
            known.count = known.count.saturating_add(1);
        } else if self.list.len() < self.most {
            self.list.push(Offender { source, count: 1, error: 0 });
        } else if let Some(least) = self.list.iter_mut().min_by_key(|known| known.count) {
            let error = least.count;
            *least = Offender { source, count: error.saturating_add(1), error };
        }
    }

    /// The worst, at most `most` of them, the worst first; among equals in order of the names.
    pub fn top(&self, most: usize) -> Vec<Offender> {
        let mut list = self.list.clone();
        list.sort_unstable_by(|one, other| {
            other.count.cmp(&one.count).then(one.source.cmp(&other.source))
        });
        list.truncate(most);
        list
    }
}
