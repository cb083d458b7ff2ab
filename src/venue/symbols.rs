use crate::types::{AssetId, InstrumentId, Instruments};

/// A venue's names for instruments and assets, with the ids that a run knows them by.
///
/// ```
/// use tradewright::types::{Instrument, Instruments};
/// use tradewright::venue::Symbols;
///
/// let mut table = Instruments::new();
/// let bitcoin = table.add(Instrument::spot("BTCUSDT", "BTC", "USDT"))?;
/// let symbols = Symbols::of(&table);
/// assert_eq!(symbols.instrument("BTCUSDT"), Some(bitcoin));
/// assert_eq!(symbols.name(bitcoin), Some("BTCUSDT"));
/// assert_eq!(symbols.instrument("ETHUSDT"), None);
/// # Ok::<(), tradewright::types::InstrumentError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    /// In order of the names.
    instruments: Vec<(Box<str>, InstrumentId)>,
    /// In order of the codes.
    assets: Vec<(Box<str>, AssetId)>,
    /// The asset that prices are in, by instrument.
    quotes: Vec<Option<AssetId>>,
}

impl Symbols {
    /// The names of a table, where the venue uses the table's own symbols and codes.
    pub fn of(table: &Instruments) -> Self {
        let mut symbols = Self::default();
        for instrument in table.iter() {
            symbols.rename(instrument.symbol.as_str(), instrument.id);
            let index = instrument.id.index();
            symbols.quotes.resize(symbols.quotes.len().max(index + 1), None);
            if let Some(quote) = symbols.quotes.get_mut(index) {
                *quote = Some(instrument.quote);
            }
        }
        for asset in table.assets() {
            if let Some(id) = table.find_asset(asset.code.as_str()) {
                symbols.rename_asset(asset.code.as_str(), id);
            }
        }
        symbols
    }

    /// Says that the venue calls this instrument so; its former name is forgotten.
    pub fn rename(&mut self, name: &str, id: InstrumentId) {
        self.instruments.retain(|(known, other)| *other != id && &**known != name);
        let place = self.instruments.partition_point(|(known, _)| &**known < name);
        self.instruments.insert(place, (name.into(), id));
    }

    /// Says that the venue calls this asset so; its former name is forgotten.
    pub fn rename_asset(&mut self, code: &str, id: AssetId) {
        self.assets.retain(|(known, other)| *other != id && &**known != code);
        let place = self.assets.partition_point(|(known, _)| &**known < code);
        self.assets.insert(place, (code.into(), id));
    }

    /// The instrument of this name.
    #[inline]
    pub fn instrument(&self, name: &str) -> Option<InstrumentId> {
        self.instrument_of(name.as_bytes())
    }

    /// The instrument of this name, whose bytes need not be checked: they are equal or not.
    #[inline]
    pub(super) fn instrument_of(&self, name: &[u8]) -> Option<InstrumentId> {
        let known = |(known, _): &(Box<str>, InstrumentId)| known.as_bytes().cmp(name);
        let place = self.instruments.binary_search_by(known).ok()?;
        self.instruments.get(place).map(|(_, id)| *id)
    }

    /// The asset of this code.
    #[inline]
    pub fn asset(&self, code: &str) -> Option<AssetId> {
        let place = self.assets.binary_search_by(|(known, _)| (**known).cmp(code)).ok()?;
        self.assets.get(place).map(|(_, id)| *id)
    }

    /// The venue's name of an instrument.
    pub fn name(&self, id: InstrumentId) -> Option<&str> {
        self.instruments.iter().find(|(_, other)| *other == id).map(|(name, _)| &**name)
    }

    /// The asset that an instrument's prices are in, for tables made by [`Symbols::of`].
    pub fn quote(&self, id: InstrumentId) -> Option<AssetId> {
        self.quotes.get(id.index()).copied().flatten()
    }
}
