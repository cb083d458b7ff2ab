//! Lists of two orders of which one cancels the other.

use serde_json::{Value, json};

use super::calls::Who;
use super::error::{ApiError, ApiResult};
use super::order::Record;
use super::orders::Marks;
use super::params::Params;
use super::state::ExchangeState;
use super::wish;
use crate::types::Linkage;

/// The names of a leg's parameters within a list, and as an order has them.
const LEG: [(&str, &str); 5] = [
    ("Type", "type"),
    ("ClientOrderId", "newClientOrderId"),
    ("Price", "price"),
    ("StopPrice", "stopPrice"),
    ("TimeInForce", "timeInForce"),
];

impl ExchangeState {
    /// `POST orderList/oco`.
    pub(super) fn place_list(&mut self, who: Who, params: &Params) -> ApiResult {
        let market = self.markets.of(who.market);
        let [above, below] = ["above", "below"].map(|leg| params.leg(leg));
        let (above, below) = (wish::read(market, &above)?, wish::read(market, &below)?);
        if above.kind.has_trigger() == below.kind.has_trigger() {
            let message = "One of the two legs must be a stop, the other a limit order.";
            return Err(ApiError::new(-1158, message));
        }
        let name = wish::client(params.get("listClientOrderId"))?;
        let name = match name {
            Some(name) => name,
            None => self.draw_name(22),
        };
        let list = self.next_number();
        // The number that the first leg is going to have.
        let linkage = Linkage::OneCancelsOther(self.numbers + 1);
        let marks = Marks { list: Some(list), ..Marks::default() };
        let first = self.submit(who, above, linkage, Some(marks))?;
        let covered = Marks { is_covered: true, ..marks };
        let second = match self.submit(who, below, linkage, Some(covered)) {
            Ok(second) => second,
            Err(error) => {
                // The first leg may have been filled at once; then there is nothing to cancel.
                let _ = self.cancel_order(who, first, None);
                return Err(error);
            }
        };
        Ok(self.list(who, &name, list, &[first, second]))
    }

    fn list(&self, who: Who, name: &str, list: u64, legs: &[u64]) -> Value {
        let find = |number: &u64| self.order(who.account, who.market, *number);
        let legs: Vec<&Record> = legs.iter().filter_map(find).collect();
        let instrument = legs.first().map(|order| order.wish.instrument).unwrap_or_default();
        let symbol = self.markets.of(who.market).name(instrument);
        let is_open = legs.iter().any(|order| order.status.is_open());
        let orders: Vec<Value> = legs
            .iter()
            .map(|order| {
                json!({
                    "symbol": symbol, "orderId": order.number, "clientOrderId": order.client,
                })
            })
            .collect();
        let reports: Vec<Value> =
            legs.iter().map(|order| self.placed(who, order.number, "RESULT")).collect();
        json!({
            "orderListId": list,
            "contingencyType": "OCO",
            "listStatusType": if is_open { "EXEC_STARTED" } else { "ALL_DONE" },
            "listOrderStatus": if is_open { "EXECUTING" } else { "ALL_DONE" },
            "listClientOrderId": name,
            "transactionTime": self.now.millis(),
            "symbol": symbol,
            "orders": orders,
            "orderReports": reports,
        })
    }
}

impl Params {
    /// The parameters of one leg, named as those of an order.
    fn leg(&self, leg: &str) -> Self {
        let shared = ["symbol", "side", "quantity"].into_iter().map(|name| (name.to_owned(), name));
        let own = LEG.into_iter().map(|(name, plain)| (format!("{leg}{name}"), plain));
        let pairs = shared.chain(own).filter_map(|(name, plain)| {
            self.get(&name).map(|value| (plain.to_owned(), value.to_owned()))
        });
        Self::of_pairs(pairs.collect())
    }
}
