//! Limits on the connections of a process, and the choice of which to close.
//!
//! A client can be identified only after its connection is accepted, so every connection is accepted, and when there
//! are too many an existing one is closed. It is chosen from the address with too many, there from the account with the
//! most (unidentified connections count as one account), and there the oldest. So neither a thousand silent connections
//! nor a thousand busy ones keep out a client with a single one, even from the same address.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The seats of a process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Seats(Arc<Mutex<Table>>);

struct Table {
    most: usize,
    most_per_address: usize,
    next_id: u64,
    taken: usize,
    addresses: HashMap<IpAddr, Address>,
}

#[derive(Default)]
struct Address {
    taken: usize,
    /// By account; `None` groups the unidentified connections. Ids grow with time.
    groups: HashMap<Option<String>, BTreeMap<u64, CancellationToken>>,
}

/// Seat of one connection; dropping it frees the seat.
pub(crate) struct Seat {
    table: Arc<Mutex<Table>>,
    address: IpAddr,
    id: u64,
    account: Mutex<Option<String>>,
    closing: CancellationToken,
}

impl Seats {
    /// A table of `most` seats, of which one address may have `most_per_address`.
    pub(crate) fn new(most: usize, most_per_address: usize) -> Self {
        let most = most.max(1);
        Self(Arc::new(Mutex::new(Table {
            most,
            most_per_address: most_per_address.clamp(1, most),
            next_id: 0,
            taken: 0,
            addresses: HashMap::new(),
        })))
    }

    /// Takes a seat for a new connection; other connections may be closed for it.
    pub(crate) fn take(&self, address: IpAddr) -> Arc<Seat> {
        let mut table = lock(&self.0);
        table.make_room(address);
        table.next_id += 1;
        let (id, closing) = (table.next_id, CancellationToken::new());
        table.put(address, None, id, closing.clone());
        Arc::new(Seat { table: self.0.clone(), address, id, account: Mutex::default(), closing })
    }
}

impl Seat {
    /// Assigns the connection to the account of its latest request.
    pub(crate) fn belongs_to(&self, account: &str) {
        let mut known = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_deref() == Some(account) {
            return;
        }
        let mut table = lock(&self.table);
        // A connection that is about to be closed is in no group any more.
        if let Some(closing) = table.remove(self.address, &known, self.id) {
            *known = Some(account.to_owned());
            table.put(self.address, known.clone(), self.id, closing);
        }
    }

    /// Waits until the connection must be closed.
    pub(crate) async fn lost(&self) {
        self.closing.cancelled().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let known = self.account.lock().unwrap_or_else(PoisonError::into_inner);
        lock(&self.table).remove(self.address, &known, self.id);
    }
}

impl Table {
    fn make_room(&mut self, address: IpAddr) {
        let is_full = |table: &Self| {
            table.addresses.get(&address).is_some_and(|address| address.taken >= table.most_per_address)
        };
        // The address's own limit first: a flood from one address must not close connections of others.
        while is_full(self) && self.close_one(address) {}
        while self.taken >= self.most {
            let fullest =
                self.addresses.iter().max_by_key(|(_, address)| address.taken).map(|(name, _)| *name);
            // Nothing is left to close.
            if !fullest.is_some_and(|fullest| self.close_one(fullest)) {
                return;
            }
        }
    }

    /// Closes the oldest connection of the account with the most connections at this address.
    fn close_one(&mut self, address: IpAddr) -> bool {
        let Some(seats) = self.addresses.get(&address) else { return false };
        let largest = seats.groups.iter().max_by_key(|(_, group)| group.len());
        let Some((account, Some((id, closing)))) =
            largest.map(|(account, group)| (account.clone(), group.first_key_value()))
        else {
            return false;
        };
        let id = *id;
        closing.cancel();
        // Removed here and not on drop: the connection needs time to close, and its seat must count as free at once.
        self.remove(address, &account, id).is_some()
    }

    fn put(&mut self, address: IpAddr, account: Option<String>, id: u64, closing: CancellationToken) {
        let seats = self.addresses.entry(address).or_default();
        seats.groups.entry(account).or_default().insert(id, closing);
        seats.taken += 1;
        self.taken += 1;
    }

    fn remove(&mut self, address: IpAddr, account: &Option<String>, id: u64) -> Option<CancellationToken> {
        let seats = self.addresses.get_mut(&address)?;
        let group = seats.groups.get_mut(account)?;
        let closing = group.remove(&id)?;
        if group.is_empty() {
            seats.groups.remove(account);
        }
        seats.taken -= 1;
        self.taken -= 1;
        if seats.taken == 0 {
            self.addresses.remove(&address);
        }
        Some(closing)
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::BROADCAST);

    fn lost(seats: &[Arc<Seat>]) -> Vec<usize> {
        let is_lost = |index: &usize| seats[*index].closing.is_cancelled();
        (0..seats.len()).filter(is_lost).collect()
    }

    #[test]
    fn of_an_address_with_too_many_the_oldest_goes() {
        let seats = Seats::new(100, 3);
        let taken: Vec<_> = (0..5).map(|_| seats.take(HERE)).collect();
        let other = seats.take(THERE);
        assert_eq!(lost(&taken), [0, 1]);
        assert!(!other.closing.is_cancelled());
        drop(taken);
        assert_eq!(lock(&seats.0).taken, 1);
        drop(other);
        assert!(lock(&seats.0).addresses.is_empty(), "nothing is remembered of who has left");
    }

    #[test]
    fn who_has_said_whose_it_is_stays_while_another_has_more() {
        let seats = Seats::new(100, 5);
        let known = seats.take(HERE);
        known.belongs_to("acme");
        known.belongs_to("acme");
        let strangers: Vec<_> = (0..1000).map(|_| seats.take(HERE)).collect();
        assert!(!known.closing.is_cancelled());
        assert_eq!(lost(&strangers).len(), 996);
        let flood: Vec<_> = (0..1000)
            .map(|_| {
                let seat = seats.take(HERE);
                seat.belongs_to("flood");
                seat
            })
            .collect();
        assert!(!known.closing.is_cancelled());
        assert!(flood.iter().filter(|seat| !seat.closing.is_cancelled()).count() < 5);
        strangers[0].belongs_to("late");
        assert!(lock(&seats.0).taken <= 5, "a seat that is lost comes back by no name");
    }

    #[test]
    fn of_too_many_in_all_the_address_with_most_gives_one() {
        let seats = Seats::new(4, 3);
        let many: Vec<_> = (0..3).map(|_| seats.take(HERE)).collect();
        let few = [seats.take(THERE), seats.take(THERE)];
        assert_eq!((lost(&many), lost(&few)), (vec![0], vec![]));
    }
}
