//! Handles that are made at first sight and found without a look-up of text from then on.

/// Handles by a dense index.
#[derive(Clone, Debug)]
pub(super) struct Dense<H>(Vec<Option<H>>);

impl<H> Default for Dense<H> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<H> Dense<H> {
    /// What is kept for a place, made at first sight.
    #[inline]
    pub(super) fn get(&mut self, index: usize, make: impl FnOnce() -> H) -> Option<&mut H> {
        if index >= self.0.len() {
            self.grow(index);
        }
        self.0.get_mut(index).map(|place| place.get_or_insert_with(make))
    }

    /// Hands what is kept for a place to `use_it`.
    #[inline]
    pub(super) fn with(&mut self, index: usize, make: impl FnOnce() -> H, use_it: impl FnOnce(&H)) {
        if let Some(handle) = self.get(index, make) {
            use_it(handle);
        }
    }

    /// True for a place that was seen.
    pub(super) fn has(&self, index: usize) -> bool {
        self.0.get(index).is_some_and(Option::is_some)
    }

    /// Everything that was seen.
    pub(super) fn seen(&mut self) -> impl Iterator<Item = &mut H> {
        self.0.iter_mut().flatten()
    }

    #[cold]
    fn grow(&mut self, index: usize) {
        self.0.resize_with(index + 1, || None);
    }
}

/// Handles by a key that has an order.
#[derive(Clone, Debug)]
pub(super) struct Keyed<K, H> {
    entries: Vec<(K, H)>,
    rest: Option<H>,
}

/// Keys that have a handle of their own; later ones share one.
const MOST: usize = 1_024;

impl<K, H> Default for Keyed<K, H> {
    fn default() -> Self {
        Self { entries: Vec::new(), rest: None }
    }
}

impl<K: Ord, H> Keyed<K, H> {
    /// Hands the handle of a key to `use_it`; `make` is asked with `true` for the handle of all
    /// keys that have found no room.
    #[inline]
    pub(super) fn with(&mut self, key: K, make: impl FnOnce(bool) -> H, use_it: impl FnOnce(&H)) {
        match self.entries.binary_search_by(|(own, _)| own.cmp(&key)) {
            Ok(index) => {
                if let Some((_, handle)) = self.entries.get(index) {
                    use_it(handle);
                }
            }
            Err(place) if self.entries.len() < MOST => {
                let handle = make(false);
                use_it(&handle);
                self.entries.insert(place, (key, handle));
            }
            Err(_) => use_it(self.rest.get_or_insert_with(|| make(true))),
        }
    }
}
