use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::world::World;

/// What a program in a sandbox is answered, over a connection that looks like loopback to it.
async fn ask(world: &World, request: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut program = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (ours, _) = listener.accept().await.unwrap();
    let guests = world.cloud.platform().guests().expect("the front door lets guests in");
    world.env.spawn("guest", guests.welcome(ours));
    program.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    program.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn programs_are_served_and_have_no_way_to_control_us() {
    let world = World::new();
    let end = "HTTP/1.1\r\nHost: 127.0.0.1:4566\r\nConnection: close\r\n";
    let health = ask(&world, &format!("GET /_haneul/health {end}\r\n")).await;
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n"), "{health}");
    for control in ["GET /_haneul/clock", "GET /_haneul/services", "GET /_haneul/least-privilege?principal=x"]
    {
        let answer = ask(&world, &format!("{control} {end}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{control}: {answer}");
    }
    for control in ["/_haneul/clock", "/_haneul/reset"] {
        let answer = ask(&world, &format!("POST {control} {end}Content-Length: 2\r\n\r\n{{}}")).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{control}: {answer}");
    }
    // A header of its own making does not help.
    let forged =
        format!("GET /_haneul/clock {end}X-Forwarded-For: 127.0.0.1\r\nOrigin: http://localhost\r\n\r\n");
    assert!(ask(&world, &forged).await.starts_with("HTTP/1.1 403 "));
}
