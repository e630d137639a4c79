-- Bring a process up to date with a session. 3: the generation it knows, 4: the one to begin with where there is none ('': then
-- there is no such session), 5: its time to live in ms, 6: the digest of a key whose uses count ('': none), 7: deadline, then digests
-- of secrets.
-- Returns {late}, {} or {generation, turns taken, uses, ms since the first use, labels, the definition if the generation is another}.
if late(ARGV[7]) then return {'late'} end
local known, fresh, ttl, used = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local found = redis.call('HMGET', state, 'generation', 'taken', 'ttl')
if not found[1] then
    if fresh == '' then return {} end
    forget(session)
    redis.call('HSET', state, 'generation', fresh, 'taken', 0, 'ttl', ttl)
    found = {fresh, '0', ttl}
end
touch(session, found[3])
local uses, since = 0, 0
if used ~= '' then
    uses = redis.call('HINCRBY', root .. 'uses', used, 1)
    redis.call('HSETNX', root .. 'since', used, number(now()))
    since = now() - redis.call('HGET', root .. 'since', used)
end
local labels = {}
for index = 8, #ARGV do
    local field = 'label:' .. ARGV[index]
    local label = redis.call('HGET', state, field)
    if not label then
        local count = redis.call('HINCRBY', state, 'labels', 1)
        label = count > 1000 and 'key-more' or 'key-' .. count
        if count <= 1000 then redis.call('HSET', state, field, label) end
    end
    labels[#labels + 1] = label
end
local definition = false
if found[1] ~= known then definition = redis.call('HGET', state, 'definition') or '' end
return {found[1], tonumber(found[2]), uses, number(since), labels, definition}
