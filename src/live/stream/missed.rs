use super::audience::{Audience, count};
use crate::live::quality::Seen;
use crate::venue::VenueEvent;

/// What venues have to tell whose trades bear numbers.
impl Audience {
    /// Everybody gets this, after all that waits.
    pub(in crate::live) fn post<K>(&self, seen: &mut Seen<K>, event: &VenueEvent) {
        for member in &self.members {
            count(member.mailbox.post(event.clone()), seen);
        }
    }
}
