-- Give a place back, or stop waiting for one; who has waited longest and is still there gets it. 3: label, 4: how many places there
-- are, 5: who leaves.
local running, waiting = places(ARGV[3])
redis.call('ZREM', running, ARGV[5])
redis.call('LREM', waiting, 0, ARGV[5])
while redis.call('ZCARD', running) < tonumber(ARGV[4]) do
    local next = redis.call('LPOP', waiting)
    if not next then return end
    if alive(next) then
        redis.call('ZADD', running, now(), next)
        redis.call('PUBLISH', root .. 'to:' .. string.match(next, '^[^/]*'), '{"place":"' .. next .. '"}')
    end
end
