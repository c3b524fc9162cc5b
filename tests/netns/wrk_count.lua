-- For wrk: stops after LIMIT responses (0: only the duration ends it), counts bodies, prints one JSON line. One thread.
local threads = {}
local limit = tonumber(os.getenv("WRK_LIMIT") or "0")

function setup(thread) table.insert(threads, thread) end

function init() bodies, seen = {}, 0 end

function response(status, _, body)
  local key = status .. " " .. body:gsub("%s+$", "")
  bodies[key] = (bodies[key] or 0) + 1
  seen = seen + 1
  if seen == limit then
    wrk.thread:stop()
    io.write("LIMIT\n")  -- the main thread sleeps for the whole duration: whoever reads this interrupts it
    io.flush()
  end
end

function done(summary, latency)
  local counts = {}
  for key, count in pairs(threads[1]:get("bodies")) do
    table.insert(counts, string.format("%q: %d", key, count))
  end
  local e = summary.errors
  print(string.format(
    'JSON {"requests": %d, "duration_us": %d, "connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d, '
    .. '"p50_us": %d, "p99_us": %d, "max_us": %d, "bodies": {%s}}',
    summary.requests, summary.duration, e.connect, e.read, e.write, e.status, e.timeout,
    latency:percentile(50), latency:percentile(99), latency.max, table.concat(counts, ", ")))
end
