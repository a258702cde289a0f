//! Commerce: seats in course runs, and what was bought.

use coursebus_schemas::commerce::{
    FulfillmentCompleted, FulfillmentData, FulfillmentRevoked, SeatChanged, SeatData, SeatWithdrawn, WithdrawnSeatData,
};
use time::OffsetDateTime;

use super::text;

/// The terms on which a mode of a run is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The run's key.
    pub course_key: String,
    /// The number under which it is sold.
    pub sku: String,
    /// `verified`, `professional`, `credit`, …
    pub mode: String,
    /// The price in the smallest unit of the currency.
    pub price_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Until when it can be bought.
    pub upgrade_deadline: Option<OffsetDateTime>,
    /// The credit that it buys.
    pub credit: Option<Credit>,
}

/// Credit that can be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    /// Who gives it.
    pub provider: String,
    /// How much.
    pub hours: u16,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    /// The line's UUID.
    pub uuid: String,
    /// The order's number.
    pub order_number: String,
    /// The seat's number.
    pub sku: String,
    /// The run's key.
    pub course_key: String,
    /// The learner's number.
    pub user_id: i64,
    /// The mode that was bought.
    pub mode: String,
}

/// A seat is offered, or on other terms: all of them as they are now.
#[must_use]
pub fn seat_changed(fact: &Seat) -> SeatChanged {
    SeatChanged {
        seat: SeatData {
            course_key: fact.course_key.clone(),
            sku: fact.sku.clone(),
            mode: fact.mode.clone(),
            price_minor: fact.price_minor,
            currency: fact.currency.clone(),
            upgrade_deadline: fact.upgrade_deadline.map(text),
            credit_provider: fact.credit.as_ref().map(|credit| credit.provider.clone()),
            credit_hours: fact.credit.as_ref().map(|credit| credit.hours.into()),
        },
    }
}

/// A seat is no longer offered.
#[must_use]
pub fn seat_withdrawn(fact: &Seat) -> SeatWithdrawn {
    let Seat { course_key, sku, mode, .. } = fact.clone();
    SeatWithdrawn { seat: WithdrawnSeatData { course_key, sku, mode } }
}

/// A learner has what a line of an order bought. Say it [`super::Occurrence::because_of`] the enrollment that showed it.
#[must_use]
pub fn fulfillment_completed(fact: &OrderLine) -> FulfillmentCompleted {
    FulfillmentCompleted { fulfillment: fulfillment(fact) }
}

/// A learner no longer has what a line of an order bought.
#[must_use]
pub fn fulfillment_revoked(fact: &OrderLine) -> FulfillmentRevoked {
    FulfillmentRevoked { fulfillment: fulfillment(fact) }
}

fn fulfillment(fact: &OrderLine) -> FulfillmentData {
    let OrderLine { uuid, order_number, sku, course_key, user_id, mode } = fact.clone();
    FulfillmentData { order_line_uuid: uuid, order_number, sku, course_key, user_id, mode }
}
