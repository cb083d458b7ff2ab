use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::{GateEvent, OrderGate, Refusal, RiskConfigError, limits};
use crate::types::{
    Amount, Facts, Halt, HaltCause, HaltScope, Label, LimitKey, LimitSubject, Order, OrderId,
    ReasonCode, State, StateError, exact, to_f64,
};

/// The quantity that leaves for a parent order is never more than the parent's: at the last
/// point before the wire, whatever split the parent.
///
/// A parent is announced under a name as the limit `parent_quantity` of that name (see
/// [`LimitChange`](crate::types::LimitChange)); every order whose tag is that name is its child.
/// What counts is what children have filled and what the live ones may still fill. A child that
/// would exceed the parent is refused and halts its instrument with
/// [`HaltCause::ParentBreach`], which waits for a person: an algorithm that has lost count is
/// not to be trusted with the next child.
///
/// It applies to reducing orders too: a parent that sells a position must not sell more than
/// it. At most 256 parents with 1,024 live children each are kept; a parent set to zero that
/// has no live child makes room for another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParentCheck {
    parents: Vec<Parent>,
}

const MOST_PARENTS: usize = 256;
const MOST_CHILDREN: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Parent {
    name: Label,
    #[serde(with = "exact")]
    quantity: Decimal,
    /// What ended children have filled.
    #[serde(with = "exact")]
    done: Decimal,
    children: Vec<Child>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Child {
    order: OrderId,
    #[serde(with = "exact")]
    quantity: Decimal,
}

impl Parent {
    /// Filled and still to be filled; [`Decimal::MAX`] when it does not fit.
    fn out(&self) -> Decimal {
        let quantities = self.children.iter().map(|child| child.quantity);
        quantities
            .fold(self.done, |sum, quantity| sum.checked_add(quantity).unwrap_or(Decimal::MAX))
    }
}

impl ParentCheck {
    /// The name of its limits: the quantity of a parent, by the parent's name.
    pub const LIMIT: &'static str = "parent_quantity";

    /// Knows no parents yet.
    pub const fn new() -> Self {
        Self { parents: Vec::new() }
    }

    /// What has left for a parent: filled, or still to be filled.
    pub fn out(&self, parent: &str) -> Option<Decimal> {
        self.parents.iter().find(|known| known.name.as_str() == parent).map(Parent::out)
    }

    fn announce(&mut self, name: Label, quantity: Decimal) -> Result<Decimal, RiskConfigError> {
        if let Some(parent) = self.parents.iter_mut().find(|parent| parent.name == name) {
            return Ok(core::mem::replace(&mut parent.quantity, quantity));
        }
        if self.parents.len() >= MOST_PARENTS {
            let is_over = |it: &Parent| it.quantity.is_zero() && it.children.is_empty();
            let over = self.parents.iter().position(is_over);
            let what = "parent orders";
            self.parents.remove(over.ok_or(RiskConfigError::TooMany { what, most: MOST_PARENTS })?);
        }
        self.parents.push(Parent { name, quantity, done: Decimal::ZERO, children: Vec::new() });
        Ok(Decimal::ZERO)
    }

    fn child(&mut self, order: OrderId) -> Option<(&mut Parent, usize)> {
        self.parents.iter_mut().find_map(|parent| {
            let place = parent.children.iter().position(|child| child.order == order)?;
            Some((parent, place))
        })
    }
}

impl OrderGate for ParentCheck {
    fn name(&self) -> &'static str {
        "parent_check"
    }

    fn check(&self, order: &Order, _facts: &Facts<'_>) -> Result<(), Refusal> {
        let intent = &order.intent;
        let is_own = |parent: &&Parent| parent.name == intent.tag && !intent.tag.is_empty();
        let Some(parent) = self.parents.iter().find(is_own) else { return Ok(()) };
        let asked = match intent.amount {
            Amount::Quantity(quantity) => quantity.value(),
            // Nobody knows yet how much it will be.
            Amount::Cash(_) => Decimal::MAX,
        };
        let out = parent.out().checked_add(asked).unwrap_or(Decimal::MAX);
        if out <= parent.quantity && parent.children.len() < MOST_CHILDREN {
            return Ok(());
        }
        let (limit, out) = (to_f64(parent.quantity), to_f64(out));
        let halt = Halt::new(HaltCause::ParentBreach, HaltScope::Symbol(intent.instrument));
        Err(Refusal::new(ReasonCode::ParentQuantity, limit, out).halting(halt))
    }

    fn observe(&mut self, event: &GateEvent<'_>, _facts: &Facts<'_>) {
        match event {
            GateEvent::Placed(order) => {
                let tag = order.intent.tag;
                let parent = self.parents.iter_mut().find(|parent| parent.name == tag);
                if let (Some(parent), Amount::Quantity(quantity)) = (parent, order.intent.amount)
                    && !tag.is_empty()
                {
                    let quantity = quantity.value();
                    parent.children.push(Child { order: order.id, quantity });
                }
            }
            GateEvent::Amended { order, quantity, .. } => {
                if let Some((parent, place)) = self.child(*order)
                    && let Some(child) = parent.children.get_mut(place)
                {
                    child.quantity = quantity.value();
                }
            }
            GateEvent::Ended { order, filled } => {
                if let Some((parent, place)) = self.child(*order) {
                    parent.children.swap_remove(place);
                    let done = parent.done.checked_add(filled.value());
                    parent.done = done.unwrap_or(Decimal::MAX);
                }
            }
            GateEvent::Cancelling(_)
            | GateEvent::Amending(_)
            | GateEvent::Filled(_)
            | GateEvent::Market(_) => {}
        }
    }

    fn set_limit(
        &mut self,
        key: &LimitKey,
        value: Decimal,
    ) -> Result<Option<Decimal>, RiskConfigError> {
        match key.subject {
            LimitSubject::Named(name) if key.name.as_str() == Self::LIMIT => {
                let quantity = limits::not_negative(Self::LIMIT, value)?;
                self.announce(name, quantity).map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl State for ParentCheck {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        State::save(&self.parents)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        let mut parents: Vec<Parent> = Vec::new();
        State::restore(&mut parents, state)?;
        let is_sound = |parent: &Parent| {
            let quantities = parent.children.iter().map(|child| child.quantity);
            parent.children.len() <= MOST_CHILDREN
                && [parent.quantity, parent.done]
                    .into_iter()
                    .chain(quantities)
                    .all(|quantity| quantity >= Decimal::ZERO)
        };
        if parents.len() > MOST_PARENTS || !parents.iter().all(is_sound) {
            return Err(StateError::Unreadable("the parent orders are not valid".to_owned()));
        }
        self.parents = parents;
        Ok(())
    }
}
