// SPDX-License-Identifier: MIT
//! flume.

use crate::{Channel, Element, Kind, Set, END, OK, WOULD_BLOCK};
use flume::{
    bounded, unbounded, Receiver, Selector, Sender, TryRecvError, TrySendError,
};
use std::os::raw::c_int;

pub struct Flume;

impl<const N: usize> Kind<N> for Flume {
    type Tx = Sender<Element<N>>;
    type Rx = Receiver<Element<N>>;

    fn open(capacity: Option<usize>) -> (Self::Tx, Self::Rx) {
        match capacity {
            Some(n) => bounded(n),
            None => unbounded(),
        }
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
        rx.try_recv().map_err(|e| match e {
            TryRecvError::Empty => WOULD_BLOCK,
            TryRecvError::Disconnected => END,
        })
    }
}

/// A `Selector` serves once, so each operation builds one.
pub struct FlumeSet<const N: usize> {
    txs: Vec<Sender<Element<N>>>,
    rxs: Vec<Option<Receiver<Element<N>>>>,
}

impl<const N: usize> Set<Flume, N> for FlumeSet<N> {
    fn open(channels: &[&Channel<Flume, N>], sends: bool) -> Box<Self> {
        Box::new(FlumeSet {
            txs: channels
                .iter()
                .filter(|_| sends)
                .map(|c| c.sender())
                .collect(),
            rxs: channels
                .iter()
                .filter(|_| !sends)
                .map(|c| Some(c.receiver()))
                .collect(),
        })
    }

    fn select(&mut self, element: &mut Element<N>) -> (usize, c_int) {
        let mut selector = Selector::new();
        for (at, tx) in self.txs.iter().enumerate() {
            selector = selector.send(tx, *element, move |r| {
                (at, r.map(|()| None).map_err(drop))
            });
        }
        for (at, rx) in self.rxs.iter().enumerate() {
            if let Some(rx) = rx {
                selector =
                    selector.recv(rx, move |r| (at, r.map(Some).map_err(drop)));
            }
        }
        let (at, result) = selector.wait();
        match result {
            Ok(got) => {
                if let Some(got) = got {
                    *element = got;
                }
                (at, OK)
            }
            Err(()) => (at, END),
        }
    }

    fn drop_at(&mut self, at: usize) {
        self.rxs[at] = None;
    }
}
