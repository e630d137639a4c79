-- Forget a session; 1 if there was one.
local was = redis.call('EXISTS', state)
forget(session)
return was
