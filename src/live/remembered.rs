use std::collections::{BTreeMap, VecDeque};

/// A bounded memory: what was learnt first is forgotten first.
#[derive(Debug)]
pub(super) struct Remembered<K, V> {
    pub(super) values: BTreeMap<K, V>,
    /// In the order in which they were learnt.
    keys: VecDeque<K>,
}

const MOST: usize = 16_384;

impl<K, V> Default for Remembered<K, V> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), keys: VecDeque::new() }
    }
}

impl<K: Ord + Copy, V> Remembered<K, V> {
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.values.insert(key, value).is_none() {
            self.keys.push_back(key);
        }
        if self.keys.len() > MOST
            && let Some(oldest) = self.keys.pop_front()
        {
            self.values.remove(&oldest);
        }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let mut memory = Remembered::default();
        for number in 0..=MOST {
            memory.insert(number, number + 1);
        }
        memory.insert(MOST, 0);
        assert_eq!((memory.get(&0), memory.get(&1), memory.get(&MOST)), (None, Some(&2), Some(&0)));
    }
}
