local throttle, trim, reroute = throttle, trim, reroute
local works = {}

function works.hostcall(n)
  for number = 0, n - 1 do reroute(number) end
end

function works.policy(rows)
  for _, row in ipairs(rows) do
    if row.cpu_time > 5000000000 then throttle(row.id, 200000) end
    if row.memory > 1000000000 then trim(row.id, 300000) end
    if row.network > 100000000 then reroute(row.id) end
  end
end

local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
works.fib = fib

function works.sieve(n)
  local composite = {}
  for number = 1, n do composite[number] = false end
  local count = 0
  for number = 2, n do
    if not composite[number] then
      count = count + 1
      for at = number * number, n, number do composite[at] = true end
    end
  end
  return count
end

function works.mandel(n)
  local total = 0
  for row = 0, n - 1 do
    local cy = row * 2.0 / n - 1.0
    for column = 0, n - 1 do
      local cx = column * 3.5 / n - 2.5
      local x, y, rounds = 0.0, 0.0, 0
      while rounds < 100 do
        local xx, yy = x * x, y * y
        if xx + yy > 4.0 then break end
        y = 2.0 * x * y + cy
        x = xx - yy + cx
        rounds = rounds + 1
      end
      total = total + rounds
    end
  end
  return total
end

function works.wordcount(text)
  local counts = {}
  for word in string.gmatch(text, "%S+") do counts[word] = (counts[word] or 0) + 1 end
  local greatest = 0
  for _, count in pairs(counts) do
    if count > greatest then greatest = count end
  end
  return greatest
end
