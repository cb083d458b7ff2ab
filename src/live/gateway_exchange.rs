use core::future::pending;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use tracing::Instrument as _;
use tracing::instrument::Instrumented;

use crate::types::{AssetId, InstrumentId, InstrumentKind, Instruments, Label, Timestamp};
use crate::venue::{
    Answer, Clock, ExchangeClient, ExchangeError, FillsFrom, Found, UserEvent, UserStream,
};

use super::{Gateway, GatewayEvent, Picture, Request};

/// A [`Gateway`] to a venue's [`ExchangeClient`]: each request is one call, several at a time;
/// the client keeps them within the venue's limits.
///
/// Calls make progress while somebody waits in [`Gateway::next`].
pub struct ExchangeGateway {
    client: Arc<dyn ExchangeClient>,
    clock: Arc<dyn Clock>,
    news: UserStream,
    calls: FuturesUnordered<Instrumented<BoxFuture<'static, GatewayEvent>>>,
    assets: Vec<AssetId>,
    positions: Vec<InstrumentId>,
    /// The names of the instruments, by their ids.
    symbols: Vec<Label>,
}

impl ExchangeGateway {
    /// Opens the news of the client's account.
    ///
    /// # Errors
    /// [`ExchangeError`] when they cannot be had at all.
    pub async fn connect(
        client: Arc<dyn ExchangeClient>,
        clock: Arc<dyn Clock>,
        instruments: &Instruments,
    ) -> Result<Self, ExchangeError> {
        let news = client.user_stream().await?;
        let assets = (0..instruments.assets().len()).filter_map(|id| u16::try_from(id).ok());
        let is_derivative = |kind: InstrumentKind| kind != InstrumentKind::Spot;
        let derivatives = instruments.iter().filter(|instrument| is_derivative(instrument.kind));
        Ok(Self {
            client,
            clock,
            news,
            calls: FuturesUnordered::new(),
            assets: assets.map(AssetId).collect(),
            positions: derivatives.map(|instrument| instrument.id).collect(),
            symbols: instruments.iter().map(|one| Label::new(one.symbol.as_str())).collect(),
        })
    }

    /// What is told beside everything that happens in a request.
    fn span(&self, request: &Request) -> tracing::Span {
        let (name, order, instrument) = match request {
            Request::Place(order) => ("place", Some(order.id), Some(order.intent.instrument)),
            Request::Cancel { order, instrument } => ("cancel", Some(*order), Some(*instrument)),
            Request::Amend(change) => {
                ("change", Some(change.order.id), Some(change.order.intent.instrument))
            }
            Request::Find { order, instrument } => ("find", Some(*order), Some(*instrument)),
            Request::Fills { order, instrument } => ("fills", Some(*order), Some(*instrument)),
            Request::Picture { .. } => ("picture", None, None),
        };
        let order = order.map(tracing::field::display);
        let symbol = instrument.and_then(|id| self.symbols.get(id.index()));
        let symbol = symbol.map(Label::as_str);
        tracing::error_span!("request", request = name, order, symbol)
    }

    fn picture(
        &self,
        number: u64,
        fills: Vec<(InstrumentId, FillsFrom)>,
    ) -> BoxFuture<'static, GatewayEvent> {
        let client = Arc::clone(&self.client);
        let (assets, instruments) = (self.assets.clone(), self.positions.clone());
        async move {
            let mut picture = Picture { assets, instruments, ..Picture::default() };
            let taken = take(&*client, &mut picture, &fills).await;
            let picture = taken.map(|()| Box::new(picture)).map_err(|error| error.to_string());
            GatewayEvent::Picture { number, picture }
        }
        .boxed()
    }
}

/// Asks for everything, the fills last.
async fn take(
    client: &dyn ExchangeClient,
    picture: &mut Picture,
    fills: &[(InstrumentId, FillsFrom)],
) -> Result<(), ExchangeError> {
    picture.orders = client.open_orders(None).await?;
    picture.balances = client.balances().await?;
    if !picture.instruments.is_empty() {
        picture.positions = client.positions().await?;
    }
    for (instrument, from) in fills {
        picture.fills.extend(client.fills(*instrument, *from).await?);
    }
    Ok(())
}

#[async_trait]
impl Gateway for ExchangeGateway {
    fn start(&mut self, _at: Timestamp, request: Request) {
        let span = self.span(&request);
        let client = Arc::clone(&self.client);
        let clock = Arc::clone(&self.clock);
        let call = match request {
            Request::Place(order) => async move {
                let id = order.id;
                let (answer, fills) = match client.submit(&order).await {
                    // An order that was taken and did not last is told by the news.
                    Ok(taken) => (Answer::Accepted, taken.fills),
                    Err(error) => (error.answer(), Vec::new()),
                };
                GatewayEvent::Placed { order: id, answer, fills }
            }
            .boxed(),
            Request::Cancel { order, instrument } => async move {
                let done = client.cancel(order, instrument).await;
                let answer = done.map_or_else(|error| error.answer(), |()| Answer::Accepted);
                GatewayEvent::Changed { order, answer }
            }
            .boxed(),
            Request::Amend(change) => async move {
                let done = client.amend(&change).await;
                let answer = done.map_or_else(|error| error.answer(), |_| Answer::Accepted);
                GatewayEvent::Changed { order: change.order.id, answer }
            }
            .boxed(),
            Request::Find { order, instrument } => async move {
                let asked = clock.wall();
                let found = match client.order(order, instrument).await {
                    Ok(Some(state)) => state.found(),
                    Ok(None) => Found::Nothing { asked },
                    Err(_) => Found::Failed,
                };
                GatewayEvent::Found { order, found }
            }
            .boxed(),
            Request::Fills { order, instrument } => async move {
                let fills = client.fills(instrument, FillsFrom::Order(order)).await;
                // Without an answer nothing is told, and the question comes again.
                let fills = fills.map(|fills| fills.iter().map(|fill| fill.fill).collect());
                GatewayEvent::Fills { order, fills: fills.unwrap_or_default() }
            }
            .boxed(),
            Request::Picture { number, fills } => self.picture(number, fills),
        };
        self.calls.push(call.instrument(span));
    }

    fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }

    async fn next(&mut self) -> GatewayEvent {
        let answered = async {
            match self.calls.next().await {
                Some(event) => event,
                None => pending().await,
            }
        };
        let told = async {
            match self.news.next().await {
                Some(UserEvent::Started { .. }) => GatewayEvent::Started,
                Some(UserEvent::Lost { reason, .. }) => GatewayEvent::Lost { reason },
                Some(UserEvent::News { news, .. }) => GatewayEvent::News(news),
                // The client is closed: nothing more will come.
                None => pending().await,
            }
        };
        futures::pin_mut!(answered, told);
        // News first: they may say what an answer only repeats.
        match futures::future::select(told, answered).await {
            futures::future::Either::Left((event, _))
            | futures::future::Either::Right((event, _)) => event,
        }
    }
}
