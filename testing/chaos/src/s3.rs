//! One writer of S3 objects, which has its keys to itself: what each may hold, and whether it does.

use std::collections::BTreeMap;

use haneul_env::Rng;

use crate::client::{Answer, Client, Result};
use crate::content::Content;
use crate::moment::{Fate, Moments, Stamp};

pub const BUCKET: &str = "chaos";
const KEYS: u64 = 12;
const PART_BYTES_MIN: usize = 5 << 20;

#[derive(Clone)]
pub struct Writer {
    number: usize,
    contents: u64,
    /// What was done to each key, in order; the first is what is known for sure.
    keys: BTreeMap<String, Vec<(Stamp, Option<Content>)>>,
    upload: Option<Upload>,
}

/// A multipart upload under way.
#[derive(Clone)]
struct Upload {
    key: String,
    created: Stamp,
    id: Option<String>,
    parts: Vec<Part>,
    /// Completed or aborted.
    ended: Option<Stamp>,
}

#[derive(Clone)]
struct Part {
    stamp: Stamp,
    content: Content,
    etag: String,
}

impl Writer {
    pub fn new(number: usize) -> Writer {
        let keys = (0..KEYS).map(|key| (format!("w{number}/k{key}"), vec![(Stamp::DONE, None)])).collect();
        Writer { number, contents: (number as u64) << 32, keys, upload: None }
    }

    /// Works until the program is gone.
    pub fn work(&mut self, client: &mut Client, moments: &Moments, rng: &Rng) {
        while self.step(client, moments, rng).is_ok() {}
    }

    fn step(&mut self, client: &mut Client, moments: &Moments, rng: &Rng) -> Result<()> {
        let key = format!("w{}/k{}", self.number, rng.below(KEYS));
        match rng.below(100) {
            0..45 => self.put(client, moments, key, rng.below(3000) as usize),
            45..60 => self.put(client, moments, key, rng.below(300_000) as usize),
            60..65 => self.put(client, moments, key, rng.below(3 << 20) as usize),
            65..80 => {
                self.begin(&key, moments, None);
                client.s3("DELETE", &target(&key, ""), b"")?.expect(&[204], &key);
                self.end(&key, moments);
                Ok(())
            }
            80..92 => {
                let answer = client.s3("GET", &target(&key, ""), b"")?;
                let now = self.keys[&key].last().and_then(|(_, content)| content.clone());
                assert!(holds(&answer, now.as_ref()), "{key} is not what was just written");
                Ok(())
            }
            _ => self.upload_step(client, moments, &key, rng),
        }
    }

    fn put(&mut self, client: &mut Client, moments: &Moments, key: String, length: usize) -> Result<()> {
        let content = self.content(length);
        self.begin(&key, moments, Some(content.clone()));
        client.s3("PUT", &target(&key, ""), &content.bytes())?.expect(&[200], &key);
        self.end(&key, moments);
        Ok(())
    }

    fn content(&mut self, length: usize) -> Content {
        self.contents += 1;
        Content::one(self.contents, length)
    }

    fn begin(&mut self, key: &str, moments: &Moments, content: Option<Content>) {
        let done = self.keys.get_mut(key).expect("a key of ours");
        done.push((Stamp::sent(moments.now()), content));
    }

    fn end(&mut self, key: &str, moments: &Moments) {
        let done = self.keys.get_mut(key).and_then(|done| done.last_mut()).expect("it was begun");
        done.0.answered = Some(moments.now());
    }

    fn upload_step(&mut self, client: &mut Client, moments: &Moments, key: &str, rng: &Rng) -> Result<()> {
        let Some(mut upload) = self.upload.take() else {
            let created = Stamp::sent(moments.now());
            let new = Upload { key: key.to_owned(), created, id: None, parts: Vec::new(), ended: None };
            let upload = self.upload.insert(new);
            let answer = client.s3("POST", &target(key, "?uploads="), b"")?;
            answer.expect(&[200], key);
            upload.id = answer.elements("UploadId").pop();
            upload.created.answered = Some(moments.now());
            return Ok(());
        };
        let id = upload.id.clone().expect("it was created");
        let size = if upload.parts.is_empty() { PART_BYTES_MIN } else { 1 + rng.below(100_000) as usize };
        let done = match (upload.parts.len(), rng.below(4)) {
            (0, _) | (1, 1..) => {
                let content = self.content(size);
                let stamp = Stamp::sent(moments.now());
                let number = upload.parts.len() + 1;
                upload.parts.push(Part { stamp, content, etag: String::new() });
                let upload = self.upload.insert(upload);
                let part = upload.parts.last_mut().expect("it was pushed");
                let query = format!("?partNumber={number}&uploadId={id}");
                let answer = client.s3("PUT", &target(&upload.key, &query), &part.content.bytes())?;
                answer.expect(&[200], "a part");
                part.etag = answer.headers["etag"].to_str().expect("text").to_owned();
                part.stamp.answered = Some(moments.now());
                return Ok(());
            }
            (_, 0) => {
                upload.ended = Some(Stamp::sent(moments.now()));
                let target = target(&upload.key, &format!("?uploadId={id}"));
                self.upload = Some(upload);
                client.s3("DELETE", &target, b"")?.expect(&[204], "abort");
                Ok(())
            }
            _ => self.complete(client, moments, upload, &id),
        };
        if done.is_ok() {
            self.upload = None;
        }
        done
    }

    fn complete(
        &mut self,
        client: &mut Client,
        moments: &Moments,
        mut upload: Upload,
        id: &str,
    ) -> Result<()> {
        let key = upload.key.clone();
        let content = Content(upload.parts.iter().flat_map(|part| part.content.0.clone()).collect());
        let body = completion(&upload.parts);
        upload.ended = Some(Stamp::sent(moments.now()));
        self.upload = Some(upload);
        self.begin(&key, moments, Some(content));
        let answer = client.s3("POST", &target(&key, &format!("?uploadId={id}")), body.as_bytes())?;
        answer.expect(&[200], "complete");
        assert!(answer.text().contains("CompleteMultipartUploadResult"), "{}", answer.text());
        self.end(&key, moments);
        Ok(())
    }

    /// After a restart: every key holds what it must, or may; listings agree; what was uploaded of a multipart upload
    /// can be completed. What is found is what is known from then on. The faults are the result.
    pub fn check(&mut self, client: &mut Client, end: u64, rng: &Rng) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        self.check_upload(client, end, rng, &mut faults)?;
        let mut held = Vec::new();
        for (key, done) in &mut self.keys {
            let mut may = vec![done[0].1.clone()];
            for (stamp, content) in &done[1..] {
                match stamp.fate(end) {
                    Fate::Done => may = vec![content.clone()],
                    Fate::Perhaps => may.push(content.clone()),
                    Fate::Never => {}
                }
            }
            let answer = client.s3("GET", &target(key, ""), b"")?;
            let Some(found) = may.iter().find(|content| holds(&answer, content.as_ref())) else {
                let status = answer.status;
                let length = answer.body.len();
                faults.push(format!(
                    "{key}: {status}, {length} bytes, and it may hold {may:?}; {done:?} at {end}"
                ));
                continue;
            };
            if found.is_some() {
                held.push(key.clone());
            }
            *done = vec![(Stamp::DONE, found.clone())];
        }
        let prefix = format!("w{}/", self.number);
        let listed =
            client.s3("GET", &format!("/{BUCKET}?list-type=2&prefix={}", prefix.replace('/', "%2F")), b"")?;
        let mut listed = listed.elements("Key");
        listed.sort();
        held.sort();
        if faults.is_empty() && listed != held {
            faults.push(format!("{prefix}: listed are {listed:?}, there are {held:?}"));
        }
        Ok(faults)
    }

    fn check_upload(
        &mut self,
        client: &mut Client,
        end: u64,
        rng: &Rng,
        faults: &mut Vec<String>,
    ) -> Result<()> {
        let listing = format!("/{BUCKET}?prefix=w{}%2F&uploads=", self.number);
        let answer = client.s3("GET", &listing, b"")?;
        let mut open: Vec<(String, String)> =
            answer.elements("Key").into_iter().zip(answer.elements("UploadId")).collect();
        if let Some(upload) = self.upload.take()
            && let Some(id) = upload.id
        {
            let ended = upload.ended.map_or(Fate::Never, |stamp| stamp.fate(end));
            let is_open = open.iter().any(|(_, open)| *open == id);
            let parts: Vec<Part> =
                upload.parts.into_iter().filter(|part| part.stamp.fate(end) == Fate::Done).collect();
            match (upload.created.fate(end), ended) {
                (Fate::Done, Fate::Never) if !is_open => faults.push(format!("upload {id} is gone")),
                (_, Fate::Done) if is_open => faults.push(format!("upload {id} is back")),
                _ if is_open && !parts.is_empty() && rng.below(2) == 0 => {
                    let target = target(&upload.key, &format!("?uploadId={id}"));
                    let answer = client.s3("POST", &target, completion(&parts).as_bytes())?;
                    if answer.status != 200 || !answer.text().contains("CompleteMultipartUploadResult") {
                        faults.push(format!("upload {id} cannot be completed: {}", answer.text()));
                    }
                    let content = Content(parts.iter().flat_map(|part| part.content.0.clone()).collect());
                    self.keys.insert(upload.key, vec![(Stamp::DONE, Some(content))]);
                    open.retain(|(_, open)| *open != id);
                }
                _ => {}
            }
        }
        for (key, id) in open {
            let answer = client.s3("DELETE", &target(&key, &format!("?uploadId={id}")), b"")?;
            answer.expect(&[204], "abort");
        }
        if let Some(left) = client.s3("GET", &listing, b"")?.elements("UploadId").pop() {
            faults.push(format!("upload {left} is still there"));
        }
        Ok(())
    }

    /// The bytes of all objects, once [`Writer::check`] has found out.
    pub fn bytes(&self) -> u64 {
        self.keys.values().flatten().filter_map(|(_, content)| Some(content.as_ref()?.len() as u64)).sum()
    }

    /// Deletes everything.
    pub fn clear(&mut self, client: &mut Client) -> Result<()> {
        for (key, done) in &mut self.keys {
            client.s3("DELETE", &target(key, ""), b"")?.expect(&[204], key);
            *done = vec![(Stamp::DONE, None)];
        }
        Ok(())
    }
}

fn holds(answer: &Answer, content: Option<&Content>) -> bool {
    match content {
        None => answer.status == 404,
        Some(content) => {
            answer.status == 200 && answer.body.len() == content.len() && answer.body == content.bytes()
        }
    }
}

fn completion(parts: &[Part]) -> String {
    let part = |(at, part): (usize, &Part)| {
        format!("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", at + 1, part.etag)
    };
    let parts: String = parts.iter().enumerate().map(part).collect();
    format!(
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{parts}</CompleteMultipartUpload>"
    )
}

fn target(key: &str, query: &str) -> String {
    format!("/{BUCKET}/{key}{query}")
}
