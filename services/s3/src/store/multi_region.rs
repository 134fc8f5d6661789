use haneul_kit::{AccountId, Result};
use haneul_store::{Range, Reads};

use super::Records;
use super::tables::{MULTI_REGION_ALIASES, MULTI_REGION_POINTS, MULTI_REGION_REQUESTS};
use crate::error::{self, Failure};
use crate::model::multi_region::{Asked, MultiRegionRecord, MultiRegionRequest};

/// Access points that an account may have.
const POINTS_MAX: usize = 100;

/// Requests of an account that are remembered; of more, the oldest is forgotten.
const REQUESTS_MAX: usize = 200;

impl Records {
    pub(crate) async fn multi_region(
        &self,
        account: AccountId,
        name: &str,
    ) -> Result<Option<MultiRegionRecord>> {
        self.store.get(&MULTI_REGION_POINTS, &(account, name)).await.map_err(error::store)
    }

    pub(crate) async fn multi_region_by_alias(&self, alias: &str) -> Result<Option<MultiRegionRecord>> {
        let found = self.store.get(&MULTI_REGION_ALIASES, alias).await.map_err(error::store)?;
        let Some((account, name)) = found.as_deref().and_then(|text| text.split_once(' ')) else {
            return Ok(None);
        };
        let Ok(account) = account.parse() else { return Ok(None) };
        self.multi_region(account, name).await
    }

    /// An account's, after the one named `after`.
    pub(crate) async fn multi_regions(
        &self,
        account: AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<MultiRegionRecord>> {
        let mut range = Range::prefix((account,));
        if let Some(after) = after {
            range = range.after(&(account, after));
        }
        let rows = self.store.scan(&MULTI_REGION_POINTS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|(_, point)| point).collect())
    }

    pub(crate) async fn multi_region_request(
        &self,
        account: AccountId,
        token: &str,
    ) -> Result<Option<MultiRegionRequest>> {
        self.store.get(&MULTI_REGION_REQUESTS, &(account, token)).await.map_err(error::store)
    }

    /// Does what a request asks for and notes what became of it, once for each token. `made` is what is to be created.
    pub(crate) async fn settle_multi_region(
        &self,
        account: AccountId,
        token: &str,
        request: &MultiRegionRequest,
        made: Option<&MultiRegionRecord>,
    ) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            match tx.get(&MULTI_REGION_REQUESTS, &(account, token)).await? {
                Some(before) if before.asked == request.asked => return Ok(()),
                Some(_) => return Err(Failure::Api(token_used())),
                None => {}
            }
            let all = Range::prefix((account,));
            let noted = tx.scan(&MULTI_REGION_REQUESTS, all, REQUESTS_MAX).await?;
            if noted.len() == REQUESTS_MAX {
                let oldest = noted.iter().min_by_key(|(_, request)| request.at_ms);
                if let Some((key, _)) = oldest {
                    tx.delete(&MULTI_REGION_REQUESTS, key)?;
                }
            }
            let mut request = request.clone();
            if request.failed.is_none() {
                let (name, missing) = match &request.asked {
                    Asked::Create { name, .. } => (name.clone(), false),
                    Asked::Delete { name } | Asked::PutPolicy { name, .. } => (name.clone(), true),
                };
                let found = tx.get(&MULTI_REGION_POINTS, &(account, name.as_str())).await?;
                match (&request.asked, found) {
                    (Asked::Create { .. }, Some(_)) => request.failed = Some(already_owned()),
                    (_, None) if missing => request.failed = Some(no_such()),
                    (Asked::Delete { .. }, Some(point)) => {
                        tx.delete(&MULTI_REGION_POINTS, &(account, name.as_str()))?;
                        tx.delete(&MULTI_REGION_ALIASES, &point.alias)?;
                        request.regions = point.routes.into_iter().map(|route| route.region).collect();
                    }
                    (Asked::PutPolicy { policy, .. }, Some(mut point)) => {
                        point.policy = Some(policy.clone());
                        tx.put(&MULTI_REGION_POINTS, &(account, name.as_str()), &point)?;
                        request.regions = point.routes.into_iter().map(|route| route.region).collect();
                    }
                    (_, None) => {
                        let range = Range::prefix((account,));
                        if tx.scan_keys(&MULTI_REGION_POINTS, range, POINTS_MAX).await?.len() == POINTS_MAX {
                            let message = "You have reached the maximum number of Multi-Region Access Points";
                            return Err(Failure::Api(error::new(
                                "TooManyMultiRegionAccessPoints",
                                400,
                                message,
                            )));
                        }
                        let Some(made) = made else { return Ok(()) };
                        tx.put(&MULTI_REGION_POINTS, &(account, name.as_str()), made)?;
                        tx.put(&MULTI_REGION_ALIASES, &made.alias, &format!("{account} {name}"))?;
                    }
                }
            }
            tx.put(&MULTI_REGION_REQUESTS, &(account, token), &request)?;
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn change_multi_region(
        &self,
        account: AccountId,
        name: &str,
        change: impl Fn(&mut MultiRegionRecord) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let Some(mut point) = tx.get(&MULTI_REGION_POINTS, &(account, name)).await? else {
                return Err(Failure::Api(no_such_point()));
            };
            change(&mut point)?;
            tx.put(&MULTI_REGION_POINTS, &(account, name), &point)?;
            Ok(())
        });
        Ok(done.await?)
    }
}

fn token_used() -> haneul_kit::ApiError {
    error::new("IdempotencyException", 400, "The client token was used for another request.")
}

fn already_owned() -> (String, String) {
    let message = "You already have a Multi-Region Access Point with the same name.";
    ("MultiRegionAccessPointAlreadyOwnedByYou".to_owned(), message.to_owned())
}

fn no_such() -> (String, String) {
    (NO_SUCH.to_owned(), NO_SUCH_MESSAGE.to_owned())
}

const NO_SUCH: &str = "NoSuchMultiRegionAccessPoint";
const NO_SUCH_MESSAGE: &str = "The specified Multi-Region Access Point does not exist";

pub(crate) fn no_such_point() -> haneul_kit::ApiError {
    error::new(NO_SUCH, 404, NO_SUCH_MESSAGE)
}
