-- Takes one out of each bucket, or out of none if one of them is empty.
-- KEYS: the buckets. ARGV: for each, the microseconds in which one request is refilled, and in which an empty bucket
-- fills. A bucket is stored as the time at which it will be full, by this server's clock, so that all API processes use
-- the same one. Returns the microseconds to wait (0: taken), then for each bucket the microseconds until it is full.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local wait = 0
local missing = {}
for i, key in ipairs(KEYS) do
  local interval, capacity = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local full_at = tonumber(redis.call('GET', key) or now)
  -- Not more than full: the limit may have been lowered, or the clock set back, since the bucket was written.
  missing[i] = math.min(math.max(full_at - now, 0), capacity)
  wait = math.max(wait, missing[i] + interval - capacity)
end
if wait == 0 then
  for i, key in ipairs(KEYS) do
    missing[i] = missing[i] + tonumber(ARGV[2 * i - 1])
    redis.call('SET', key, string.format('%.0f', now + missing[i]), 'PX', math.ceil(missing[i] / 1000))
  end
end
return {wait, unpack(missing)}
