import time


def fast(n):
    return sum(i * i for i in range(n))


def slow(n):
    x = 0
    for i in range(n):
        x += i % 7
    return x


def rec(n):
    return slow(3000) if n == 0 else rec(n - 1)


def main():
    end = time.time() + 2
    while time.time() < end:
        fast(2000)
        slow(4000)
        rec(3)


main()
