// SPDX-License-Identifier: MIT
//! std::sync::mpsc: one receiver, and two kinds of sender.

use crate::{Element, Kind, END, OK, WOULD_BLOCK};
use std::os::raw::c_int;
use std::sync::mpsc::{
    channel, sync_channel, Receiver, Sender, SyncSender, TryRecvError,
    TrySendError,
};
use std::sync::Arc;

fn status_of(error: TryRecvError) -> c_int {
    match error {
        TryRecvError::Empty => WOULD_BLOCK,
        TryRecvError::Disconnected => END,
    }
}

pub struct StdBounded;

impl<const N: usize> Kind<N> for StdBounded {
    type Tx = SyncSender<Element<N>>;
    /// Shared by the channel and the one thread that receives.
    type Rx = Arc<Receiver<Element<N>>>;

    fn open(capacity: Option<usize>) -> (Self::Tx, Self::Rx) {
        let (tx, rx) = sync_channel(capacity.unwrap());
        (tx, Arc::new(rx))
    }

    fn send(tx: &Self::Tx, element: Element<N>) -> c_int {
        tx.send(element).map_or(END, |()| OK)
    }

    fn try_send(tx: &Self::Tx, element: Element<N>) -> c_int {
        match tx.try_send(element) {
            Ok(()) => OK,
            Err(TrySendError::Full(_)) => WOULD_BLOCK,
            Err(TrySendError::Disconnected(_)) => END,
        }
    }

    fn recv(rx: &Self::Rx) -> Result<Element<N>, c_int> {
        rx.recv().map_err(|_| END)
    }

    fn try_recv(rx: &Self::Rx) -> Result<Element<N>, c_int> {
        rx.try_recv().map_err(status_of)
    }
}

pub struct StdUnbounded;

impl<const N: usize> Kind<N> for StdUnbounded {
    type Tx = Sender<Element<N>>;
    type Rx = Arc<Receiver<Element<N>>>;

    fn open(_capacity: Option<usize>) -> (Self::Tx, Self::Rx) {
        let (tx, rx) = channel();
        (tx, Arc::new(rx))
    }

    fn send(tx: &Self::Tx, element: Element<N>) -> c_int {
        tx.send(element).map_or(END, |()| OK)
    }

    fn try_send(tx: &Self::Tx, element: Element<N>) -> c_int {
        Self::send(tx, element)
    }

    fn recv(rx: &Self::Rx) -> Result<Element<N>, c_int> {
        rx.recv().map_err(|_| END)
    }

    fn try_recv(rx: &Self::Rx) -> Result<Element<N>, c_int> {
        rx.try_recv().map_err(status_of)
    }
}
