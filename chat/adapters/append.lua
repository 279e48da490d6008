--[[ One atomic step of a room: recognise the once-key, check the guard, give the next seq, store, index, move the
revision, write the changes of projections (member, term, pin, settings, ceremony, ballot, names), enqueue the job,
publish. All of it or nothing, because every refusal comes
before the first write (but for reports of presence whose lease is over, which whoever looks takes out). With a fresh epoch in ARGV it begins the log instead.

Every key carries the hash tag of the room's partition, so the step is legal in a cluster, jobs stream included.
The entry is stored as fields k (kind), h (header) and b (body); header and body are exactly what is published, so
reader and feed share one decoder, and nothing here ever decodes a body.

A recall deletes texts: the message, its edits, translations and suggestions. Reactions carry no text and stay.
The append-only file of the engine forgets them at its next rewrite.

Entries up to `floor` are in the archive and no longer here (see `redis_archiver`). A step that needs to know such a
message answers {'archived'}; the caller looks there and comes again with what it found, which holds as long as nothing
was moved or recalled meanwhile (`archived_as_of` says at which floor and how many recalls it looked). A recall marks its message in `purges`, whether it was moved or
not: a copy may be on its way into the archive. ]]

local meta, log, members, refs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local revisions, once, jobs = KEYS[5], KEYS[6], KEYS[7]
local terms, pins, purges = KEYS[8], KEYS[9], KEYS[10]
local ceremonies, ballots, names, unheard = KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local board = KEYS[15] -- a prefix in the same slot: which kinds of rows are touched, only the arguments know
local here = KEYS[16]

local room, channel, publish, once_life_s = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local new_epoch, title = ARGV[5], ARGV[6]
local kind, body, audience, of, revision = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local guard_of, guard_revision = ARGV[12], ARGV[13]
local job_text, job_of, job_revision = ARGV[14], ARGV[15], ARGV[16]
local archived_kind, archived_revision, archived_as_of = ARGV[17], ARGV[18], ARGV[19]
local ceremony, ceremony_version, ceremony_cast = ARGV[20], ARGV[21], ARGV[22]
local ceremony_proposal, ceremony_timely = ARGV[23], ARGV[24]
local named, names_version = ARGV[25], ARGV[26]
local seen_by, seen_mark = ARGV[27], ARGV[28]
local rules, rows_guarded = ARGV[29], tonumber(ARGV[30]) -- then four for each row: kind, key, there, row
local changes_from = 31 + 4 * rows_guarded -- four for each: what, key, part, row

local known_meta = redis.call('HMGET', meta, 'epoch', 'floor', 'recalls', 'rules')
local epoch, floor = known_meta[1], tonumber(known_meta[2] or '0')

local function kind_at(seq)
  if tonumber(seq) <= floor then return archived_kind ~= '' and archived_kind end
  local found = redis.call('XRANGE', log, seq .. '-0', seq .. '-0')[1]
  return found and found[2][2]
end

local function revision_of(seq)
  local edited = redis.call('HGET', revisions, seq)
  if edited then return edited end
  if tonumber(seq) <= floor and archived_revision ~= '' then return archived_revision end
  local kind = kind_at(seq)
  if kind == 'posted' or kind == 'room_created' or kind == 'room_changed' or kind == 'name_proposed'
    or kind == 'held_back' or kind == 'programme_changed' or kind == 'poll_opened' or kind == 'question_asked' then
    return '0'
  end
  return nil
end

-- Field of a ceremony; hidden proposals have no count.
local function of_ceremony(id, field) return redis.call('HGET', ceremonies, id .. ':' .. field) end
local function uncount(id, proposal)
  if redis.call('HEXISTS', ceremonies, id .. ':n:' .. proposal) == 1 then
    redis.call('HINCRBY', ceremonies, id .. ':n:' .. proposal, -1)
  end
end

if not epoch and new_epoch == '' then return {'missing'} end

local known = redis.call('GET', once)
if known and epoch and string.sub(known, 1, #epoch + 1) == epoch .. ':' then return {'known', known} end
if epoch and new_epoch ~= '' then return {'exists'} end
if seen_mark ~= '' then
  local seen, mark = look(here, meta, members, pins, board, seen_by)
  if mark ~= seen_mark then return {'changed', unpack(tell(seen, mark, meta, members))} end
end
local looked_at = guard_of ~= '' and guard_of or ((kind == 'edited' or kind == 'recalled') and of) or ''
if looked_at ~= '' and tonumber(looked_at) <= floor
  and archived_as_of ~= (known_meta[2] or '0') .. ':' .. (known_meta[3] or '0') then return {'archived'} end
if guard_of ~= '' and revision_of(guard_of) ~= guard_revision then return {'stale'} end

local time = redis.call('TIME')
local at_ms = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
if ceremony ~= '' then
  if redis.call('HEXISTS', ceremonies, ceremony) == 0 then return {'stale'} end
  if ceremony_version ~= '' and of_ceremony(ceremony, 'version') ~= ceremony_version then return {'stale'} end
  if ceremony_cast ~= '' and (of_ceremony(ceremony, 'cast') or '0') ~= ceremony_cast then return {'stale'} end
  if ceremony_proposal ~= '' and not of_ceremony(ceremony, 'n:' .. ceremony_proposal) then return {'stale'} end
  if ceremony_timely ~= '' and tonumber(at_ms) > tonumber(of_ceremony(ceremony, 'until')) then return {'stale'} end
end
if named ~= '' and (redis.call('HGET', names, '#' .. named) or '0') ~= names_version then return {'stale'} end
if rules ~= '' and (known_meta[4] or '0') ~= rules then return {'stale'} end
for at = 31, changes_from - 1, 4 do
  local found = redis.call('HGET', board .. ARGV[at], ARGV[at + 1])
  if ARGV[at + 2] == '1' and found ~= ARGV[at + 3] or ARGV[at + 2] == '' and found then return {'stale'} end
end
if not epoch then
  epoch = new_epoch
  for _, kind in ipairs(redis.call('SMEMBERS', board)) do redis.call('DEL', board .. kind) end
  redis.call('DEL', board)
  redis.call('HDEL', meta, 'rules')
  redis.call('DEL', log, members, refs, revisions, terms, pins, purges, ceremonies, names, unheard)
  redis.call('HSET', meta, 'epoch', epoch, 'title', title, 'created_at_ms', at_ms)
end

local seq = string.format('%.0f', redis.call('HINCRBY', meta, 'head', 1))
local place = epoch .. ':' .. seq .. ':' .. at_ms
local header = place .. ':' .. audience

if kind == 'edited' then
  if revision_of(of) then redis.call('HSET', revisions, of, revision) end
elseif kind == 'recalled' and kind_at(of) == 'posted' then
  redis.call('HDEL', revisions, of)
  redis.call('ZREM', pins, of)
  redis.call('XDEL', log, of .. '-0')
  redis.call('HINCRBY', meta, 'recalls', 1)
  redis.call('SADD', purges, of)
  for _, about in ipairs(redis.call('ZRANGEBYSCORE', refs, of, of)) do
    local kind_about = kind_at(about)
    if kind_about == 'edited' or kind_about == 'translated' or kind_about == 'untranslated'
      or kind_about == 'suggested' or kind_about == 'explained' then
      redis.call('XDEL', log, about .. '-0')
      redis.call('ZREM', refs, about)
    end
  end
end

redis.call('XADD', log, seq .. '-0', 'k', kind, 'h', header, 'b', body)
if of ~= '' then redis.call('ZADD', refs, of, seq) end
if audience == '~' then redis.call('ZADD', unheard, seq, seq) end
for at = changes_from, #ARGV, 4 do
  local change, key, part, row = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  if change == 'set_member' then
    redis.call('HSET', members, key, row)
  elseif change == 'drop_member' then
    redis.call('HDEL', members, key)
  elseif change == 'set_term' then
    redis.call('HSET', terms, key, row)
    redis.call('HSET', meta, 'glossary', seq)
  elseif change == 'drop_term' then
    redis.call('HDEL', terms, key)
    redis.call('HSET', meta, 'glossary', seq)
  elseif change == 'set_room' then
    redis.call('HSET', meta, 'title', key, 'title_seq', seq, 'settings', row)
  elseif change == 'set_pin' then
    redis.call('ZADD', pins, seq, key)
  elseif change == 'drop_pin' then
    redis.call('ZREM', pins, key)
  elseif change == 'set_ceremony' then
    local id = key ~= '' and key or seq
    redis.call('HSET', ceremonies, id, row, id .. ':until', string.format('%.0f', at_ms + part))
    redis.call('HINCRBY', ceremonies, id .. ':version', 1)
  elseif change == 'set_proposal' then
    local proposal = part ~= '' and part or seq
    if part == '' and redis.call('HINCRBY', ceremonies, key .. ':made', 1) == 1 then redis.call('DEL', ballots) end
    redis.call('HSET', ceremonies, key .. ':p:' .. proposal, row)
    redis.call('HSETNX', ceremonies, key .. ':n:' .. proposal, 0)
    redis.call('HINCRBY', ceremonies, key .. ':version', 1)
  elseif change == 'hide_proposal' then
    redis.call('HSET', ceremonies, key .. ':p:' .. part, row)
    redis.call('HDEL', ceremonies, key .. ':n:' .. part)
    redis.call('HINCRBY', ceremonies, key .. ':version', 1)
  elseif change == 'set_ballot' then
    local before = redis.call('HGET', ballots, part)
    if before then uncount(key, before) end
    if row ~= '' then
      redis.call('HSET', ballots, part, row)
      redis.call('HINCRBY', ceremonies, key .. ':n:' .. row, 1)
    else
      redis.call('HDEL', ballots, part)
    end
    redis.call('HINCRBY', ceremonies, key .. ':cast', 1)
  elseif change == 'drop_ceremony' then
    redis.call('HDEL', ceremonies, key)
    for _, one in ipairs(redis.call('HKEYS', ceremonies)) do
      if string.sub(one, 1, #key + 1) == key .. ':' then redis.call('HDEL', ceremonies, one) end
    end
    redis.call('UNLINK', ballots)
    redis.call('ZREMRANGEBYRANK', unheard, 0, -50001)
  elseif change == 'set_names' then
    redis.call('HSET', names, key, row)
    redis.call('HINCRBY', names, '#' .. key, 1)
  elseif change == 'set_row' or change == 'rule_row' then
    redis.call('SADD', board, key)
    redis.call('HSET', board .. key, part ~= '' and string.sub(part, 2) or seq, row)
    if change == 'rule_row' then redis.call('HINCRBY', meta, 'rules', 1) end
  elseif change == 'drop_row' or change == 'drop_rule' then
    redis.call('HDEL', board .. key, part)
    if change == 'drop_rule' then redis.call('HINCRBY', meta, 'rules', 1) end
  elseif change == 'set_choices' then
    local box, tally = board .. 'box:' .. key, board .. 'tally:' .. key
    local before = redis.call('HGET', box, part)
    redis.call('SADD', board, 'box:' .. key, 'tally:' .. key)
    if before then
      for choice in string.gmatch(before, '%d+') do redis.call('HINCRBY', tally, choice, -1) end
      redis.call('HINCRBY', tally, 'voters', -1)
    end
    if row ~= '' then
      redis.call('HSET', box, part, row)
      for choice in string.gmatch(row, '%d+') do redis.call('HINCRBY', tally, choice, 1) end
      redis.call('HINCRBY', tally, 'voters', 1)
    else
      redis.call('HDEL', box, part)
    end
  elseif change == 'drop_box' then
    redis.call('UNLINK', board .. 'box:' .. key, board .. 'tally:' .. key)
  end
end
if job_text ~= '' then
  redis.call('XADD', jobs, '*', 'room', room, 'of', job_of ~= '' and job_of or seq, 'revision', job_revision, 'text', job_text)
end
redis.call('SET', once, place, 'EX', once_life_s)
redis.call(publish, channel, header .. '\n' .. body)
return {'new', place}
