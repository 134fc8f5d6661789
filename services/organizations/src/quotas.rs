//! Limits. Source: AWS Organizations User Guide, "Quotas and service limits".

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// AWS begins with ten and raises it on request; there is nobody to ask here.
pub(crate) const ACCOUNTS_MAX: usize = 10_000;
pub(crate) const UNITS_MAX: usize = 2000;
/// Levels of units below the root.
pub(crate) const DEPTH_MAX: usize = 5;
pub(crate) const TAGS_MAX: usize = 50;
/// Requests to close accounts that may be under way at once.
pub(crate) const CLOSING_MAX: usize = 3;
pub(crate) const CLOSURES_WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a closed account is kept, suspended.
pub(crate) const SUSPENSION: Duration = Duration::from_secs(90 * 24 * 3600);
pub(crate) const INVITATION: Duration = Duration::from_secs(15 * 24 * 3600);
pub(crate) const MIGRATION: Duration = Duration::from_secs(90 * 24 * 3600);
/// How long an answered handshake can be seen.
pub(crate) const HANDSHAKES_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a finished request to create an account can be seen.
pub(crate) const CREATIONS_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// Invitations that may be sent in one day.
pub(crate) const INVITATIONS_PER_DAY: usize = 20;
pub(crate) const INVITATIONS_WINDOW: Duration = DAY;
/// Transfers in which one account pays for others. AWS has such quotas and does not say in numbers what they are.
pub(crate) const TRANSFERS_INBOUND: usize = 100;
/// How many transfers may follow one another, from a source to who pays in the end.
pub(crate) const TRANSFER_LEVELS: usize = 2;
/// How long before its beginning a transfer has to be accepted.
pub(crate) const TRANSFER_NOTICE: Duration = DAY;
/// How far ahead a transfer may begin or end.
pub(crate) const TRANSFER_AHEAD: Duration = Duration::from_secs(366 * 24 * 3600);
/// Delegated administrators of one service. Each service has its own limit at AWS; this is the most that any has.
pub(crate) const DELEGATES_PER_SERVICE: usize = 50;

/// Accounts that may be closed in [`CLOSURES_WINDOW`]: a tenth of the members, but at least ten and at most a thousand.
pub(crate) fn closures_max(members: usize) -> usize {
    (members / 10).clamp(10, 1000)
}
