// SPDX-License-Identifier: MIT
//! crossbeam-channel.

use crate::{Channel, Element, Kind, Set, END, OK, WOULD_BLOCK};
use crossbeam_channel::{
    bounded, unbounded, Receiver, Select, Sender, TryRecvError, TrySendError,
};
use std::os::raw::c_int;

pub struct Crossbeam;

impl<const N: usize> Kind<N> for Crossbeam {
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

/// One `Select`, made once and used for each operation.  It borrows from the
/// handles behind it, which are boxed and are dropped after it.
pub struct CrossbeamSet<const N: usize> {
    select: Select<'static>,
    txs: Box<[Sender<Element<N>>]>,
    rxs: Box<[Receiver<Element<N>>]>,
}

impl<const N: usize> Set<Crossbeam, N> for CrossbeamSet<N> {
    fn open(channels: &[&Channel<Crossbeam, N>], sends: bool) -> Box<Self> {
        let mut select = Select::new();
        let txs: Box<[_]> = channels
            .iter()
            .filter(|_| sends)
            .map(|c| c.sender())
            .collect();
        let rxs: Box<[_]> = channels
            .iter()
            .filter(|_| !sends)
            .map(|c| c.receiver())
            .collect();
        for tx in txs.iter() {
            select.send(unsafe { &*(tx as *const Sender<_>) });
        }
        for rx in rxs.iter() {
            select.recv(unsafe { &*(rx as *const Receiver<_>) });
        }
        Box::new(CrossbeamSet { select, txs, rxs })
    }

    fn select(&mut self, element: &mut Element<N>) -> (usize, c_int) {
        let operation = self.select.select();
        let at = operation.index();
        let status = if self.txs.is_empty() {
            match operation.recv(&self.rxs[at]) {
                Ok(got) => {
                    *element = got;
                    OK
                }
                Err(_) => END,
            }
        } else {
            operation.send(&self.txs[at], *element).map_or(END, |()| OK)
        };
        (at, status)
    }

    fn drop_at(&mut self, at: usize) {
        self.select.remove(at);
    }
}
