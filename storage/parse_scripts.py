"""The scripts of the parses: each is one step, between whose parts nothing falls."""

# The server's clock: those of the nodes need not agree.
_NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) "
# KEYS: answer, flight, waiting, flights of the user, hold. ARGV: the awaited flight, a new one's
# name, the key of the address, the address, the user, milliseconds, most of the user, most that
# wait, most boardings. A flight that nobody holds is listed: its worker died, perhaps between
# taking it from the list and boarding.
ASK = f"""{_NOW}
local kept = redis.call('HMGET', KEYS[1], 'flight', 'text')
if kept[1] and (ARGV[1] == '' or ARGV[1] == kept[1]) then return {{0, kept[2]}} end
local flight = redis.call('HGET', KEYS[2], 'flight')
if flight then
    if redis.call('EXISTS', KEYS[5]) == 0 and not redis.call('LPOS', KEYS[3], ARGV[3])
        and tonumber(redis.call('HGET', KEYS[2], 'boardings') or 0) < tonumber(ARGV[9]) then
        redis.call('LPUSH', KEYS[3], ARGV[3])
        redis.call('PEXPIRE', KEYS[3], ARGV[6])
    end
    return {{1, flight}}
end
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now)
if redis.call('ZCARD', KEYS[4]) >= tonumber(ARGV[7]) then return {{2, ''}} end
if redis.call('LLEN', KEYS[3]) >= tonumber(ARGV[8]) then return {{3, ''}} end
redis.call('HSET', KEYS[2], 'flight', ARGV[2], 'url', ARGV[4], 'user', ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
redis.call('ZADD', KEYS[4], now + ARGV[6], ARGV[3])
redis.call('PEXPIRE', KEYS[4], ARGV[6])
redis.call('RPUSH', KEYS[3], ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[6])
return {{1, ARGV[2]}}"""
# KEYS: flight, hold. ARGV: milliseconds. Only one worker is given it.
BOARD = """
local kept = redis.call('HMGET', KEYS[1], 'flight', 'url', 'user')
if not kept[1] then return false end
if not redis.call('SET', KEYS[2], kept[1], 'NX', 'PX', ARGV[1]) then return false end
redis.call('HINCRBY', KEYS[1], 'boardings', 1)
return {kept[1], kept[2], kept[3], redis.call('PTTL', KEYS[1])}"""
# KEYS: hold. ARGV: flight, milliseconds.
KEEP_HOLD = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0"""
# KEYS: answer, flight, flights of the user, hold. ARGV: flight, key of the address, text,
# milliseconds, channel, of how many videos it is a list. An answer that comes too late for its
# flight is still one.
LAND = """
redis.call('HSET', KEYS[1], 'flight', ARGV[1], 'text', ARGV[3], 'several', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if redis.call('HGET', KEYS[2], 'flight') == ARGV[1] then
    redis.call('DEL', KEYS[2], KEYS[4])
    redis.call('ZREM', KEYS[3], ARGV[2])
end
redis.call('PUBLISH', ARGV[5], ARGV[2])
return 0"""
# KEYS: flight, waiting, hold. ARGV: flight, key of the address, milliseconds.
RETURN = """
if redis.call('HGET', KEYS[1], 'flight') == ARGV[1] then
    redis.call('HINCRBY', KEYS[1], 'boardings', -1)
    redis.call('DEL', KEYS[3])
    redis.call('LPUSH', KEYS[2], ARGV[2])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return 0"""
