//! Lines that look like those of real programs, each with what makes it dear to escape.

/// A line of an access log, of some 80 bytes and with six quotation marks.
pub fn access(number: usize) -> String {
    format!(
        "10.0.{}.{} - - \"GET /orders/{number}?page=2 HTTP/1.1\" 200 {} \"-\" \"curl/8.5.0\"",
        number % 200,
        number % 250,
        number * 37
    )
}

/// A line without any byte that is escaped, of some 130 bytes.
pub fn plain(number: usize) -> String {
    format!(
        "2026-01-01T00:00:{:02}.{:06}Z INFO http.server request {number} done in {} ms, status 200, method GET, path /orders, user u-{number}",
        number % 60,
        number % 1_000_000,
        number % 97
    )
}

/// A line that is JSON itself, of some 200 bytes.
pub fn structured(number: usize) -> String {
    format!(
        r#"{{"level":"info","ts":"2026-01-01T00:00:00.{number:06}Z","msg":"request done","request":{{"method":"GET","path":"/orders/{number}","status":200}},"ms":12.5,"user":"u-{number}"}}"#
    )
}

/// A line with values in quotation marks, of some 170 bytes.
pub fn quotes(number: usize) -> String {
    format!(
        r#"level=info msg="order {number} was accepted" customer="Anna \"Ann\" Smith" item="12\" pan" path="/orders/{number}" status=200 duration=12.5ms trace_id={number:032x}"#
    )
}

/// A line with paths of Windows, of some 130 bytes.
pub fn backslashes(number: usize) -> String {
    format!(
        r"[{number}] copied C:\Data\Exports\2026\orders-{number}.csv to \\files\share\incoming\orders\{number}.csv in 12 ms, 48 KiB, checksum ok"
    )
}

/// A line beyond ASCII, of some 80 bytes.
pub fn worldly(number: usize) -> String {
    format!("Bestellung {number} für Zoë über 12 € ist bezahlt, 注文は完了しました ✓")
}

/// A line in Chinese, of some 180 bytes.
pub fn chinese(number: usize) -> String {
    format!(
        "2026-01-01 00:00:00.000 信息 订单服务 - 订单 {number} 已经支付成功,用户编号 {number},支付方式:微信支付,金额:¥{}.00 元,库存已经扣减",
        number % 1000
    )
}

/// A line with the colours of a terminal, of some 150 bytes.
pub fn colours(number: usize) -> String {
    format!(
        "\u{1b}[2m2026-01-01T00:00:00.000Z\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m \u{1b}[1mrequest\u{1b}[0m{{\u{1b}[3mid\u{1b}[0m\u{1b}[2m=\u{1b}[0m{number}}}\u{1b}[2m:\u{1b}[0m done in 12 ms"
    )
}

/// A stack trace in one event, of some 900 bytes.
pub fn trace(number: usize) -> String {
    let mut trace = format!(
        "java.lang.IllegalStateException: order {number} has no \"customer\"\n\tat com.example.shop.orders.OrderService.accept(OrderService.java:{})",
        number % 500
    );
    for frame in 0..12 {
        trace.push_str(&format!(
            "\n\tat com.example.shop.http.Handler{frame}.handle(Handler{frame}.java:{})",
            number % 300 + frame
        ));
    }
    trace
}

/// One of these kinds in turn.
pub fn mixed(number: usize) -> String {
    let kinds = [
        access,
        plain,
        structured,
        quotes,
        backslashes,
        worldly,
        chinese,
        colours,
        trace,
    ];
    kinds[number % kinds.len()](number)
}

/// A line of so many bytes.
pub fn long(bytes: usize) -> impl Fn(usize) -> String {
    move |number| {
        let line = access(number);
        line.chars().cycle().take(bytes).collect()
    }
}
