use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result, paging};

use crate::CloudTrail;
use crate::error;
use crate::lake::{SAMPLES, Sample};

const RESULTS: usize = 50;

/// How well a sample fits a phrase, from 0 to 1: what part of the phrase's words is in it, its name before the rest.
fn relevance(sample: &Sample, words: &[String]) -> f32 {
    let (name, rest) =
        (sample.name.to_lowercase(), format!("{} {}", sample.description, sample.sql).to_lowercase());
    let of_word = |word: &String| match (name.contains(word), rest.contains(word)) {
        (true, _) => 1.0,
        (false, true) => 0.6,
        _ => 0.0,
    };
    words.iter().map(of_word).sum::<f32>() / words.len() as f32
}

impl Handle<op::SearchSampleQueries> for CloudTrail {
    async fn access(&self, _: &Cx, _: &s::SearchSampleQueriesRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("cloudtrail:SearchSampleQueries")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::SearchSampleQueriesRequest,
    ) -> Result<s::SearchSampleQueriesResponse> {
        let words: Vec<String> = input.search_phrase.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() {
            return Err(error::parameter("SearchPhrase has no words."));
        }
        let purpose = format!("cloudtrail.samples {} {}", cx.account(), input.search_phrase);
        let seal = &self.platform.seal;
        let from: usize = match &input.next_token {
            Some(token) => paging::position(seal, &purpose, token).ok_or_else(error::next_token)?,
            None => 0,
        };
        let limit = input.max_results.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(RESULTS);
        let mut found: Vec<(f32, &Sample)> =
            SAMPLES.iter().map(|sample| (relevance(sample, &words), sample)).collect();
        found.retain(|(relevance, _)| *relevance > 0.0);
        found.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let total = found.len();
        let page: Vec<s::SearchSampleQueriesSearchResult> = found
            .into_iter()
            .skip(from)
            .take(limit.clamp(1, RESULTS))
            .map(|(relevance, sample)| s::SearchSampleQueriesSearchResult {
                name: Some(sample.name.to_owned()),
                description: Some(sample.description.to_owned()),
                sql: Some(sample.sql.to_owned()),
                relevance: Some(relevance),
            })
            .collect();
        let next = from + page.len();
        Ok(s::SearchSampleQueriesResponse {
            search_results: Some(page),
            next_token: (next < total).then(|| paging::token(seal, &purpose, &next)),
        })
    }
}
