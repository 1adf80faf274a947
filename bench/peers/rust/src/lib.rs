// SPDX-License-Identifier: MIT
//! Rust's channels as peers: each gives the harness a table of C functions for
//! every size of element.
//!
//! A channel holds one sender and one receiver; a thread clones the one that it
//! needs, as Rust has it, and the channel ends when the last clone is dropped.
//! A call from C costs a nanosecond or two, which a Rust program would not pay
//! where the compiler inlines.

mod crossbeam;
mod flume_peer;
mod std_peer;

use std::os::raw::{c_int, c_void};
use std::sync::Mutex;

pub const OK: c_int = 0;
pub const WOULD_BLOCK: c_int = 1;
pub const END: c_int = 2;

pub type Pointer = *mut c_void;
pub type Element<const N: usize> = [u64; N];

/// `struct bench_calls` of bench.h.
#[repr(C)]
pub struct Calls {
    open: extern "C" fn(usize, usize) -> Pointer,
    free: extern "C" fn(Pointer),
    send: extern "C" fn(Pointer, Pointer) -> c_int,
    recv: extern "C" fn(Pointer, Pointer) -> c_int,
    try_send: extern "C" fn(Pointer, Pointer) -> c_int,
    try_recv: extern "C" fn(Pointer, Pointer) -> c_int,
    close_senders: extern "C" fn(Pointer),
    join_sender: extern "C" fn(Pointer) -> Pointer,
    leave_sender: extern "C" fn(Pointer),
    join_receiver: extern "C" fn(Pointer) -> Pointer,
    leave_receiver: extern "C" fn(Pointer),
    select_open: Option<extern "C" fn(*const Pointer, usize, bool) -> Pointer>,
    select: Option<extern "C" fn(Pointer, Pointer, *mut usize) -> c_int>,
    select_drop: Option<extern "C" fn(Pointer, usize)>,
    select_free: Option<extern "C" fn(Pointer)>,
}

/// One kind of channel of one size of element.  The statuses are those above.
pub trait Kind<const N: usize>: Sized {
    type Tx: Clone;
    type Rx: Clone;

    /// `None`: without a limit.
    fn open(capacity: Option<usize>) -> (Self::Tx, Self::Rx);
    fn send(tx: &Self::Tx, element: Element<N>) -> c_int;
    fn try_send(tx: &Self::Tx, element: Element<N>) -> c_int;
    fn recv(rx: &Self::Rx) -> Result<Element<N>, c_int>;
    fn try_recv(rx: &Self::Rx) -> Result<Element<N>, c_int>;
}

/// A set of operations of one thread.
pub trait Set<K: Kind<N>, const N: usize>: Sized {
    fn open(channels: &[&Channel<K, N>], sends: bool) -> Box<Self>;
    fn select(&mut self, element: &mut Element<N>) -> (usize, c_int);
    fn drop_at(&mut self, at: usize);
}

pub struct Channel<K: Kind<N>, const N: usize> {
    tx: Mutex<Option<K::Tx>>,
    rx: K::Rx,
}

impl<K: Kind<N>, const N: usize> Channel<K, N> {
    pub fn sender(&self) -> K::Tx {
        self.tx.lock().unwrap().clone().unwrap()
    }

    pub fn receiver(&self) -> K::Rx {
        self.rx.clone()
    }
}

/// What came, at `into`.
fn give<const N: usize>(
    into: Pointer,
    got: Result<Element<N>, c_int>,
) -> c_int {
    match got {
        Ok(element) => {
            unsafe { into.cast::<Element<N>>().write(element) };
            OK
        }
        Err(status) => status,
    }
}

unsafe fn channel<'a, K: Kind<N>, const N: usize>(
    p: Pointer,
) -> &'a Channel<K, N> {
    &*p.cast()
}

extern "C" fn open<K: Kind<N>, const N: usize>(
    capacity: usize,
    _size: usize,
) -> Pointer {
    let (tx, rx) = K::open(if capacity == usize::MAX {
        None
    } else {
        Some(capacity)
    });
    let tx = Mutex::new(Some(tx));
    Box::into_raw(Box::new(Channel::<K, N> { tx, rx })).cast()
}

extern "C" fn free<K: Kind<N>, const N: usize>(p: Pointer) {
    drop(unsafe { Box::from_raw(p.cast::<Channel<K, N>>()) });
}

extern "C" fn close_senders<K: Kind<N>, const N: usize>(p: Pointer) {
    unsafe { channel::<K, N>(p) }.tx.lock().unwrap().take();
}

extern "C" fn join_sender<K: Kind<N>, const N: usize>(p: Pointer) -> Pointer {
    Box::into_raw(Box::new(unsafe { channel::<K, N>(p) }.sender())).cast()
}

extern "C" fn join_receiver<K: Kind<N>, const N: usize>(p: Pointer) -> Pointer {
    Box::into_raw(Box::new(unsafe { channel::<K, N>(p) }.receiver())).cast()
}

extern "C" fn release<T>(p: Pointer) {
    drop(unsafe { Box::from_raw(p.cast::<T>()) });
}

extern "C" fn send<K: Kind<N>, const N: usize>(
    tx: Pointer,
    from: Pointer,
) -> c_int {
    unsafe { K::send(&*tx.cast(), from.cast::<Element<N>>().read()) }
}

extern "C" fn try_send<K: Kind<N>, const N: usize>(
    tx: Pointer,
    from: Pointer,
) -> c_int {
    unsafe { K::try_send(&*tx.cast(), from.cast::<Element<N>>().read()) }
}

extern "C" fn recv<K: Kind<N>, const N: usize>(
    rx: Pointer,
    into: Pointer,
) -> c_int {
    give(into, K::recv(unsafe { &*rx.cast() }))
}

extern "C" fn try_recv<K: Kind<N>, const N: usize>(
    rx: Pointer,
    into: Pointer,
) -> c_int {
    give(into, K::try_recv(unsafe { &*rx.cast() }))
}

extern "C" fn select_open<K: Kind<N>, S: Set<K, N>, const N: usize>(
    channels: *const Pointer,
    n: usize,
    sends: bool,
) -> Pointer {
    let pointers = unsafe { std::slice::from_raw_parts(channels, n) };
    let channels: Vec<_> = pointers
        .iter()
        .map(|p| unsafe { channel::<K, N>(*p) })
        .collect();
    Box::into_raw(S::open(&channels, sends)).cast()
}

extern "C" fn select<K: Kind<N>, S: Set<K, N>, const N: usize>(
    set: Pointer,
    element: Pointer,
    at: *mut usize,
) -> c_int {
    let set = unsafe { &mut *set.cast::<S>() };
    let (index, status) = set.select(unsafe { &mut *element.cast() });
    unsafe { at.write(index) };
    status
}

extern "C" fn select_drop<K: Kind<N>, S: Set<K, N>, const N: usize>(
    set: Pointer,
    at: usize,
) {
    unsafe { &mut *set.cast::<S>() }.drop_at(at);
}

impl Calls {
    pub const fn of<K: Kind<N>, const N: usize>() -> Self {
        Calls {
            open: open::<K, N>,
            free: free::<K, N>,
            send: send::<K, N>,
            recv: recv::<K, N>,
            try_send: try_send::<K, N>,
            try_recv: try_recv::<K, N>,
            close_senders: close_senders::<K, N>,
            join_sender: join_sender::<K, N>,
            leave_sender: release::<K::Tx>,
            join_receiver: join_receiver::<K, N>,
            leave_receiver: release::<K::Rx>,
            select_open: None,
            select: None,
            select_drop: None,
            select_free: None,
        }
    }

    pub const fn with_select<K: Kind<N>, S: Set<K, N>, const N: usize>() -> Self
    {
        let mut calls = Self::of::<K, N>();
        calls.select_open = Some(select_open::<K, S, N>);
        calls.select = Some(select::<K, S, N>);
        calls.select_drop = Some(select_drop::<K, S, N>);
        calls.select_free = Some(release::<S>);
        calls
    }
}

macro_rules! export {
    ($($name:ident = $calls:expr;)*) => {
        $(#[no_mangle]
        pub static $name: Calls = $calls;)*
    };
}

use crossbeam::{Crossbeam, CrossbeamSet};
use flume_peer::{Flume, FlumeSet};
use std_peer::{StdBounded, StdUnbounded};

export! {
    rust_crossbeam_8 = Calls::with_select::<Crossbeam, CrossbeamSet<1>, 1>();
    rust_crossbeam_32 = Calls::with_select::<Crossbeam, CrossbeamSet<4>, 4>();
    rust_crossbeam_256 = Calls::with_select::<Crossbeam, CrossbeamSet<32>, 32>();
    rust_flume_8 = Calls::with_select::<Flume, FlumeSet<1>, 1>();
    rust_flume_32 = Calls::with_select::<Flume, FlumeSet<4>, 4>();
    rust_flume_256 = Calls::with_select::<Flume, FlumeSet<32>, 32>();
    rust_std_8 = Calls::of::<StdBounded, 1>();
    rust_std_32 = Calls::of::<StdBounded, 4>();
    rust_std_256 = Calls::of::<StdBounded, 32>();
    rust_std_unbounded_8 = Calls::of::<StdUnbounded, 1>();
    rust_std_unbounded_32 = Calls::of::<StdUnbounded, 4>();
    rust_std_unbounded_256 = Calls::of::<StdUnbounded, 32>();
}
