//! Terraform with the aws provider: apply, a plan without changes, a change in place, destroy.

use haneul_clients::{Server, available, missing, script};

#[test]
fn apply_plan_change_destroy() {
    let Ok(mirror) = std::env::var("HANEUL_TERRAFORM_MIRROR") else {
        missing(
            "HANEUL_TERRAFORM_MIRROR does not name a filesystem mirror with the aws provider",
            "terraform",
        );
        return;
    };
    if available("terraform", &["version"], "terraform") {
        let server = Server::start(&[]);
        let output = server
            .command("bash")
            .args(["-eu", "-o", "pipefail", &script("terraform.sh"), &script("../terraform"), &mirror])
            .output()
            .expect("bash starts");
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{text}");
        assert!(output.status.success(), "terraform failed:\n{text}");
    }
}
