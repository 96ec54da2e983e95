"""GB/T 26875.3-2011, what transmission devices 用户信息传输装置 and centres speak: codec without I/O or clock."""
