//! One WebSocket connection: frames of the state out, messages of the client in.

use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::connection::{ConnectionId, Frame};
use super::server::Shared;

/// What is done after a frame or message.
enum Next {
    Go,
    End,
}

pub(super) async fn run(
    upgrade: OnUpgrade,
    id: ConnectionId,
    frames: mpsc::Receiver<Frame>,
    shared: Arc<Shared>,
    stopped: watch::Receiver<()>,
) {
    if let Ok(upgraded) = upgrade.await {
        let io = TokioIo::new(upgraded);
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        talk(socket, id, frames, &shared, stopped).await;
    }
    shared.disconnect(id);
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

async fn talk(
    mut socket: Socket,
    id: ConnectionId,
    mut frames: mpsc::Receiver<Frame>,
    shared: &Shared,
    mut stopped: watch::Receiver<()>,
) {
    loop {
        let next = tokio::select! {
            frame = frames.recv() => match frame {
                Some(frame) => send(&mut socket, frame).await,
                None => Next::End,
            },
            message = socket.next() => match message {
                Some(Ok(message)) => hear(id, &message, shared),
                Some(Err(_)) | None => Next::End,
            },
            _ = stopped.changed() => Next::End,
        };
        if let Next::End = next {
            return;
        }
    }
}

async fn send(socket: &mut Socket, frame: Frame) -> Next {
    let (message, next) = match frame {
        Frame::Text(text) => (Message::text(text), Next::Go),
        Frame::Ping(text) => (Message::Ping(text.into()), Next::Go),
        Frame::Close(code, reason) => {
            let frame = CloseFrame { code: CloseCode::from(code), reason: reason.into() };
            (Message::Close(Some(frame)), Next::End)
        }
        Frame::Cut => return Next::End,
    };
    match socket.send(message).await {
        Ok(()) => next,
        Err(_) => Next::End,
    }
}

fn hear(id: ConnectionId, message: &Message, shared: &Shared) -> Next {
    match message {
        Message::Text(text) => shared.with(|state, at| state.message(at, id, text.as_str())),
        // The answer to a ping is sent by the WebSocket library.
        Message::Ping(_) | Message::Pong(_) => shared.with(|state, at| state.heard(at, id)),
        Message::Binary(_) | Message::Frame(_) => {}
        Message::Close(_) => return Next::End,
    }
    Next::Go
}
