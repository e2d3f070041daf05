//! How much of the heap is in use, whoever allocated it: what machines written in C hold counts too.

/// Bytes that the C library's allocator has given out.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn in_use() -> usize {
    #[expect(unsafe_code, reason = "a call of the C library that takes nothing and gives numbers back")]
    let info = unsafe { libc::mallinfo2() };
    info.uordblks + info.hblkhd
}

/// Not known here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn in_use() -> usize {
    0
}
