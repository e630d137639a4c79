-- What all scripts begin with. ARGV[1] is the prefix of every key, ARGV[2] the session.
local root, session = ARGV[1], ARGV[2]
local DEAD = 10000 -- ms without a beat after which a process counts as gone
local DAY = 86400000
local PARTS = {'s:', 'requests:', 'request-order:', 'connections:', 'connection-order:', 'limits:', 'stored:', 'stored-order:'}
local state = root .. 's:' .. (session or '')

local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + time[2] / 1000
end

-- A call that its caller has given up does nothing: it may be read long after, by a Redis that was stopped.
local function late(deadline)
    return deadline ~= '' and now() > tonumber(deadline)
end

local function number(value)
    return string.format('%.17g', value)
end

local function touch(key, ttl)
    for _, part in ipairs(PARTS) do redis.call('PEXPIRE', root .. part .. key, ttl) end
    redis.call('ZADD', root .. 'sessions', now(), key)
end

local function forget(key)
    for _, part in ipairs(PARTS) do redis.call('DEL', root .. part .. key) end
    for _, place in ipairs(redis.call('SMEMBERS', root .. 'places:' .. key)) do redis.call('DEL', place) end
    redis.call('DEL', root .. 'places:' .. key)
    redis.call('ZREM', root .. 'sessions', key)
end

-- What has been used of a minute's maximum, which is restored evenly: `limits` has when and how much of it was used.
local function used(limits, name, maximum)
    local since, amount = string.match(redis.call('HGET', limits, name) or '', '^(%S+) (%S+)$')
    if not since then return 0 end
    return math.max(0, amount - math.max(0, now() - since) * maximum / 60000)
end

-- So much is used now.
local function use(limits, label, requests, tokens)
    local at = number(now())
    redis.call('HSET', limits, label .. ' requests', at .. ' ' .. number(requests), label .. ' tokens', at .. ' ' .. number(tokens))
end

-- A member is PROCESS/NUMBER.
local function alive(member)
    local beat = redis.call('ZSCORE', root .. 'processes', string.match(member, '^[^/]*'))
    return beat and now() - beat < DEAD
end

local function places(label)
    return root .. 'running:' .. session .. ':' .. label, root .. 'waiting:' .. session .. ':' .. label
end

-- Take one of `limit` places, or one in the queue: 'in', 'queued' or 'crowded'. What dead processes held is free.
local function enter(label, limit, queue, member)
    local running, waiting = places(label)
    if redis.call('ZCARD', running) >= limit then
        for _, each in ipairs(redis.call('ZRANGE', running, 0, -1)) do
            if not alive(each) then redis.call('ZREM', running, each) end
        end
        for _, each in ipairs(redis.call('LRANGE', waiting, 0, -1)) do
            if not alive(each) then redis.call('LREM', waiting, 0, each) end
        end
    end
    local free = redis.call('ZCARD', running) < limit
    if not free and redis.call('LLEN', waiting) >= queue then return 'crowded' end
    if free then redis.call('ZADD', running, now(), member) else redis.call('RPUSH', waiting, member) end
    for _, key in ipairs({running, waiting}) do
        redis.call('PEXPIRE', key, DAY)
        redis.call('SADD', root .. 'places:' .. session, key)
    end
    redis.call('PEXPIRE', root .. 'places:' .. session, DAY)
    return free and 'in' or 'queued'
end
