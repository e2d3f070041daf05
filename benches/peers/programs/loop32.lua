
function works.loop32(n)
  local x, folded = 1, 0
  for _ = 1, n do
    x = (x * 1664525 + 1013904223) & 0xffffffff
    folded = folded ~ (x >> 7)
  end
  return folded
end

return works
