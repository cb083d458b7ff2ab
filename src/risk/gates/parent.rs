use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::risk::{GateEvent, OrderGate, Refusal, RiskConfigError, limits};
use crate::types::{
    Amount, Facts, Halt, HaltCause, HaltScope, Intent, Label, LimitKey, LimitSubject, Order,
    OrderId, ParentId, ReasonCode, State, StateError, exact, to_f64,
};

/// The quantity that leaves for a parent order is never more than the parent's: at the last
/// point before the wire, whatever split the parent.
///
/// The engine announces the parents of its own executions, and has this gate among its gates
/// unless the host adds it itself: their children are linked to them, and a child of a parent
/// that was never announced is refused. A parent that the host splits is announced under a name
/// as the limit `parent_quantity` of that name (see
/// [`LimitChange`](crate::types::LimitChange)); every order whose tag is that name is its child.
///
/// What counts is what children have filled, late fills included, and what the live ones may
/// still fill: its own count, from the orders that left and what became of them. A child that
/// would exceed the parent is refused and halts its instrument with
/// [`HaltCause::ParentBreach`], which waits for a person: an algorithm that has lost count is
/// not to be trusted with the next child.
///
/// It applies to reducing orders too: a parent that sells a position must not sell more than
/// it. At most 256 named parents with 1,024 live children each are kept; a parent set to zero
/// that has no live child makes room for another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParentCheck {
    parents: Vec<Parent>,
}

const MOST_PARENTS: usize = 256;
/// More than an engine has at work at one time, so that one that is over can always make room.
const MOST_NUMBERED: usize = 2_048;
const MOST_CHILDREN: usize = 1_024;

/// By what children name their parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Name {
    /// By their tag.
    Tag(Label),
    /// By their linkage.
    Number(ParentId),
}

impl Name {
    /// How many of its kind are kept.
    const fn most(self) -> usize {
        match self {
            Self::Tag(_) => MOST_PARENTS,
            Self::Number(_) => MOST_NUMBERED,
        }
    }

    fn is_parent_of(self, intent: &Intent) -> bool {
        match self {
            Self::Tag(tag) => intent.tag == tag && !tag.is_empty(),
            Self::Number(parent) => intent.linkage.parent() == Some(parent),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Parent {
    name: Name,
    #[serde(with = "exact")]
    quantity: Decimal,
    /// What children have filled that are not listed any more.
    #[serde(with = "exact")]
    done: Decimal,
    children: Vec<Child>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Child {
    order: OrderId,
    /// Filled and still to be filled.
    #[serde(with = "exact")]
    quantity: Decimal,
    is_over: bool,
}

impl Parent {
    /// Filled and still to be filled; [`Decimal::MAX`] when it does not fit.
    fn out(&self) -> Decimal {
        let quantities = self.children.iter().map(|child| child.quantity);
        quantities
            .fold(self.done, |sum, quantity| sum.checked_add(quantity).unwrap_or(Decimal::MAX))
    }

    /// Lists a child; the oldest one that is over makes room and counts among the done.
    fn list(&mut self, child: Child) {
        if self.children.len() >= MOST_CHILDREN
            && let Some(place) = self.children.iter().position(|child| child.is_over)
        {
            let over = self.children.remove(place);
            self.done = self.done.checked_add(over.quantity).unwrap_or(Decimal::MAX);
        }
        self.children.push(child);
    }

    fn live(&self) -> usize {
        self.children.iter().filter(|child| !child.is_over).count()
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
        let name = Name::Tag(Label::new(parent));
        self.parents.iter().find(|known| known.name == name).map(Parent::out)
    }

    /// The same of one of the engine's own parents.
    pub fn out_of(&self, parent: ParentId) -> Option<Decimal> {
        let name = Name::Number(parent);
        self.parents.iter().find(|known| known.name == name).map(Parent::out)
    }

    fn announce(&mut self, name: Name, quantity: Decimal) -> Result<Decimal, RiskConfigError> {
        if let Some(parent) = self.parents.iter_mut().find(|parent| parent.name == name) {
            return Ok(core::mem::replace(&mut parent.quantity, quantity));
        }
        let most = name.most();
        let is_alike = |it: &Parent| it.name.most() == most;
        if self.parents.iter().filter(|it| is_alike(it)).count() >= most {
            let is_over = |it: &Parent| is_alike(it) && it.quantity.is_zero() && it.live() == 0;
            let over = self.parents.iter().position(is_over);
            let what = "parent orders";
            self.parents.remove(over.ok_or(RiskConfigError::TooMany { what, most })?);
        }
        self.parents.push(Parent { name, quantity, done: Decimal::ZERO, children: Vec::new() });
        Ok(Decimal::ZERO)
    }

    /// A child is for so much now, under each of its parents.
    fn note(&mut self, order: OrderId, quantity: Decimal, is_over: bool) {
        for parent in &mut self.parents {
            if let Some(child) = parent.children.iter_mut().find(|child| child.order == order) {
                *child = Child { order, quantity, is_over };
            }
        }
    }
}

impl OrderGate for ParentCheck {
    fn name(&self) -> &'static str {
        "parent_check"
    }

    fn check(&self, order: &Order, _facts: &Facts<'_>) -> Result<(), Refusal> {
        let intent = &order.intent;
        let asked = match intent.amount {
            Amount::Quantity(quantity) => quantity.value(),
            // Nobody knows yet how much it will be.
            Amount::Cash(_) => Decimal::MAX,
        };
        let refused = |limit: Decimal, out: Decimal| {
            let halt = Halt::new(HaltCause::ParentBreach, HaltScope::Symbol(intent.instrument));
            let code = ReasonCode::ParentQuantity;
            Err(Refusal::new(code, to_f64(limit), to_f64(out)).halting(halt))
        };
        let number = intent.linkage.parent().map(Name::Number);
        if number.is_some_and(|number| self.parents.iter().all(|parent| parent.name != number)) {
            return refused(Decimal::ZERO, asked);
        }
        for parent in self.parents.iter().filter(|parent| parent.name.is_parent_of(intent)) {
            let out = parent.out().checked_add(asked).unwrap_or(Decimal::MAX);
            if out > parent.quantity || parent.live() >= MOST_CHILDREN {
                return refused(parent.quantity, out);
            }
        }
        Ok(())
    }

    fn observe(&mut self, event: &GateEvent<'_>, _facts: &Facts<'_>) {
        match event {
            GateEvent::Placed(order) => {
                let Amount::Quantity(quantity) = order.intent.amount else { return };
                let child = Child { order: order.id, quantity: quantity.value(), is_over: false };
                let parents = self.parents.iter_mut();
                for parent in parents.filter(|parent| parent.name.is_parent_of(&order.intent)) {
                    parent.list(child);
                }
            }
            GateEvent::Amended { order, quantity, .. } => {
                self.note(*order, quantity.value(), false);
            }
            GateEvent::Ended { order, filled } => self.note(*order, filled.value(), true),
            // Beyond the most parents the children of this one are refused.
            GateEvent::Parent { parent, quantity } => {
                let _ = self.announce(Name::Number(*parent), quantity.value());
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
                self.announce(Name::Tag(name), quantity).map(Some)
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
        if parents.len() > MOST_PARENTS + MOST_NUMBERED || !parents.iter().all(is_sound) {
            return Err(StateError::Unreadable("the parent orders are not valid".to_owned()));
        }
        self.parents = parents;
        Ok(())
    }
}
