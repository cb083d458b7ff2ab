use serde::{Deserialize, Serialize};

use super::{AssetId, Instrument, InstrumentBuilder, InstrumentError, InstrumentId, Label};

/// The run's instruments and assets, each with its dense id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Instruments {
    instruments: Vec<Instrument>,
    assets: Vec<Asset>,
}

/// Decimals that an asset's ledger keeps unless set.
const LEDGER_DIGITS: u32 = 12;

impl Instruments {
    /// An empty table.
    pub const fn new() -> Self {
        Self { instruments: Vec::new(), assets: Vec::new() }
    }

    /// Adds an instrument and the assets that it names.
    ///
    /// # Errors
    /// [`InstrumentError`]: a bad number, a symbol used twice, too many entries.
    pub fn add(&mut self, builder: InstrumentBuilder) -> Result<InstrumentId, InstrumentError> {
        let (mut instrument, codes) = builder.build()?;
        if self.find(instrument.symbol.as_str()).is_some() {
            return Err(InstrumentError::Duplicate { symbol: instrument.symbol });
        }
        let full = |_| InstrumentError::TableFull;
        let id = InstrumentId(u32::try_from(self.instruments.len()).map_err(full)?);
        let [base, quote, settlement] = codes;
        instrument.id = id;
        instrument.base = self.asset(base.as_str())?;
        instrument.quote = self.asset(quote.as_str())?;
        instrument.settlement = self.asset(settlement.as_str())?;
        self.instruments.push(instrument);
        Ok(id)
    }

    /// Adds a copy of another table's instrument and of the assets that it names. An asset
    /// that this table has keeps its ledger digits.
    pub(crate) fn adopt(
        &mut self,
        instrument: &Instrument,
        from: &Self,
    ) -> Result<InstrumentId, InstrumentError> {
        if self.find(instrument.symbol.as_str()).is_some() {
            return Err(InstrumentError::Duplicate { symbol: instrument.symbol });
        }
        let full = |_| InstrumentError::TableFull;
        let id = InstrumentId(u32::try_from(self.instruments.len()).map_err(full)?);
        let mut copy = instrument.clone();
        copy.id = id;
        for asset in [&mut copy.base, &mut copy.quote, &mut copy.settlement] {
            let known = self.assets.len();
            let source = *asset;
            *asset = self.asset(from.code(source))?;
            if let (true, Some(entry)) = (asset.index() == known, from.asset_of(source)) {
                self.set_ledger_digits(*asset, entry.ledger_digits)?;
            }
        }
        self.instruments.push(copy);
        Ok(id)
    }

    /// The id of an asset, added when it is new.
    ///
    /// # Errors
    /// [`InstrumentError::TableFull`] beyond 65,535 assets.
    pub fn asset(&mut self, code: &str) -> Result<AssetId, InstrumentError> {
        let code = Label::new(code);
        if let Some(index) = self.assets.iter().position(|asset| asset.code == code) {
            return u16::try_from(index).map(AssetId).map_err(|_| InstrumentError::TableFull);
        }
        let id = u16::try_from(self.assets.len()).map_err(|_| InstrumentError::TableFull)?;
        self.assets.push(Asset { code, ledger_digits: LEDGER_DIGITS });
        Ok(AssetId(id))
    }

    /// Sets the decimals that the ledger of an asset keeps (0 to 18, 12 by default).
    ///
    /// # Errors
    /// [`InstrumentError::BadLedgerDigits`] above 18, where large sums would not fit.
    pub fn set_ledger_digits(&mut self, id: AssetId, digits: u32) -> Result<(), InstrumentError> {
        if digits > 18 {
            return Err(InstrumentError::BadLedgerDigits { digits });
        }
        if let Some(asset) = self.assets.get_mut(id.index()) {
            asset.ledger_digits = digits;
        }
        Ok(())
    }

    /// The instrument with this id.
    #[inline]
    pub fn get(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.index())
    }

    /// The instrument with this symbol.
    pub fn find(&self, symbol: &str) -> Option<&Instrument> {
        self.instruments.iter().find(|instrument| instrument.symbol.as_str() == symbol)
    }

    /// The asset with this code.
    pub fn find_asset(&self, code: &str) -> Option<AssetId> {
        let index = self.assets.iter().position(|asset| asset.code.as_str() == code)?;
        u16::try_from(index).ok().map(AssetId)
    }

    /// The asset's entry.
    pub fn asset_of(&self, id: AssetId) -> Option<&Asset> {
        self.assets.get(id.index())
    }

    /// The asset's code, `?` when unknown.
    pub fn code(&self, id: AssetId) -> &str {
        self.assets.get(id.index()).map_or("?", |asset| asset.code.as_str())
    }

    /// All instruments in order of their ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Instrument> {
        self.instruments.iter()
    }

    /// All assets in order of their ids.
    pub fn assets(&self) -> &[Asset] {
        &self.assets
    }

    /// Number of instruments.
    pub fn len(&self) -> usize {
        self.instruments.len()
    }

    /// True without instruments.
    pub fn is_empty(&self) -> bool {
        self.instruments.is_empty()
    }
}

impl core::ops::Index<InstrumentId> for Instruments {
    type Output = Instrument;

    /// # Panics
    /// For an id of another table; use [`Instruments::get`] with ids from outside.
    fn index(&self, id: InstrumentId) -> &Instrument {
        &self.instruments[id.index()]
    }
}

/// An asset of the run and the digits that its ledger keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Its code, such as `USD` or `BTC`.
    pub code: Label,
    /// Decimals that the ledger keeps; products are rounded to it once, half to even.
    pub ledger_digits: u32,
}
