def hostcall(n):
    for number in range(n):
        reroute(number)

def policy(rows):
    for row in rows:
        if row["cpu_time"] > 5000000000:
            throttle(row["id"], 200000)
        if row["memory"] > 1000000000:
            trim(row["id"], 300000)
        if row["network"] > 100000000:
            reroute(row["id"])

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def sieve(n):
    composite = [False] * (n + 1)
    count = 0
    for number in range(2, n + 1):
        if not composite[number]:
            count += 1
            for at in range(number * number, n + 1, number):
                composite[at] = True
    return count

def loop32(n):
    x, folded = 1, 0
    for _ in range(n):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        folded ^= x >> 7
    return folded

def mandel(n):
    side = float(n)
    total = 0
    for row in range(n):
        cy = row * 2.0 / side - 1.0
        for column in range(n):
            cx = column * 3.5 / side - 2.5
            x, y, rounds = 0.0, 0.0, 0
            while rounds < 100:
                xx, yy = x * x, y * y
                if xx + yy > 4.0:
                    break
                y = 2.0 * x * y + cy
                x = xx - yy + cx
                rounds += 1
            total += rounds
    return total

def wordcount(text):
    counts = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    greatest = 0
    for count in counts.values():
        if count > greatest:
            greatest = count
    return greatest
