--[[ What a post must know of its room, as of one moment, and a mark that is the same as long as all of it is. Not in the
mark, because they change all the time and forbid nothing: how far the log goes and how many members there are.

Stands before the scripts that look, and leaves `look` to them. ]]

local function look(here, meta, members, pins, board, user)
  local time = redis.call('TIME')
  local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  local rows, fresh = redis.call('HGETALL', here), {}
  for i = 1, #rows, 2 do
    local colon = string.find(rows[i + 1], ':', 1, true)
    if tonumber(string.sub(rows[i + 1], 1, colon - 1)) > now_ms then
      fresh[#fresh + 1] = string.sub(rows[i + 1], colon + 1)
    else
      redis.call('HDEL', here, rows[i])
    end
  end
  local seen = {
    redis.call('HMGET', meta, 'epoch', 'title', 'created_at_ms', 'settings', 'glossary', 'title_seq', 'keep_days',
      'dropped', 'rules'),
    redis.call('HGET', members, user), fresh, redis.call('ZRANGE', pins, 0, -1), redis.call('HGET', board .. 'conduct', ''),
    redis.call('HGET', board .. 'standing', user), redis.call('HGET', board .. 'spoke', user)
  }
  return seen, redis.sha1hex(cmsgpack.pack(seen))
end

local function tell(seen, mark, meta, members)
  seen[8], seen[9], seen[10] = redis.call('HGET', meta, 'head'), redis.call('HLEN', members), mark
  return seen
end
