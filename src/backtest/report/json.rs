use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::Report;

impl Report {
    /// The whole report as JSON: one object, numbers as numbers, money as exact text, times as
    /// nanoseconds since 1970. Numbers that are not defined are null; there is no NaN.
    ///
    /// # Errors
    /// None in practice: the JSON library's own type is handed on.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Report", 26)?;
        fields.serialize_field("hash", &self.hash)?;
        fields.serialize_field("tape_hash", &self.tape_hash)?;
        fields.serialize_field("run", &self.run)?;
        fields.serialize_field("conventions", &self.conventions)?;
        fields.serialize_field("analysis", self.analysis())?;
        fields.serialize_field("exposure", &self.exposure)?;
        fields.serialize_field("costs", &self.costs)?;
        fields.serialize_field("benchmark", &self.benchmark)?;
        fields.serialize_field("instruments", &self.instruments)?;
        fields.serialize_field("equity", &self.equity)?;
        fields.serialize_field("underwater", &self.underwater())?;
        fields.serialize_field("trades", &self.trades)?;
        fields.serialize_field("trade_rates", &self.trade_rates)?;
        fields.serialize_field("open", &self.open)?;
        fields.serialize_field("fills", &self.fills)?;
        fields.serialize_field("orders", &self.orders)?;
        fields.serialize_field("signals", &self.signals)?;
        fields.serialize_field("refusals", &self.refusals)?;
        fields.serialize_field("refusals_by_rule", &self.refusals_by_rule())?;
        fields.serialize_field("passed", &self.passed)?;
        fields.serialize_field("halts", &self.halts)?;
        fields.serialize_field("stops", &self.stops)?;
        fields.serialize_field("funding", &self.funding)?;
        fields.serialize_field("anomalies", &self.anomalies)?;
        fields.serialize_field("failures", &self.failures)?;
        fields.serialize_field("issues", &self.issues)?;
        fields.end()
    }
}
