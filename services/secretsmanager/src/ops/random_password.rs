use haneul_kit::{Access, Cx, Handle, Result};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use crate::error;
use crate::secrets::Secrets;

const LENGTH_DEFAULT: i64 = 32;
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMBERS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

impl Handle<op::GetRandomPassword> for Secrets {
    async fn access(&self, _: &Cx, _: &s::GetRandomPasswordRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("secretsmanager:GetRandomPassword")])
    }

    async fn call(&self, _: &Cx, input: s::GetRandomPasswordRequest) -> Result<s::GetRandomPasswordResponse> {
        let length = input.password_length.unwrap_or(LENGTH_DEFAULT) as usize;
        let excluded = input.exclude_characters.unwrap_or_default();
        let kinds = [
            (LOWER, input.exclude_lowercase != Some(true)),
            (UPPER, input.exclude_uppercase != Some(true)),
            (NUMBERS, input.exclude_numbers != Some(true)),
            (PUNCTUATION, input.exclude_punctuation != Some(true)),
            (" ", input.include_space == Some(true)),
        ];
        let kinds: Vec<Vec<u8>> = kinds
            .into_iter()
            .filter(|(_, included)| *included)
            .map(|(kind, _)| kind.chars().filter(|c| !excluded.contains(*c)).map(|c| c as u8).collect())
            .filter(|kind: &Vec<u8>| !kind.is_empty())
            .collect();
        let all = kinds.concat();
        if all.is_empty() {
            return Err(error::parameter(
                "InvalidParameterException: Password characters are all excluded: nothing to choose from.",
            ));
        }
        let rng = &self.platform.env.rng;
        let mut password: Vec<u8> = Vec::with_capacity(length);
        if input.require_each_included_type != Some(false) {
            if length < kinds.len() {
                return Err(error::parameter(format!(
                    "Password length {length} is too short based on the required types."
                )));
            }
            password.extend(kinds.iter().map(|kind| kind[rng.below(kind.len() as u64) as usize]));
        }
        while password.len() < length {
            password.push(all[rng.below(all.len() as u64) as usize]);
        }
        // What was required must not stand at the front.
        for at in (1..password.len()).rev() {
            password.swap(at, rng.below(at as u64 + 1) as usize);
        }
        let password = password.into_iter().map(char::from).collect();
        Ok(s::GetRandomPasswordResponse { random_password: Some(password) })
    }
}
