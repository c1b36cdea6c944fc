"""How often something happened lately, in constant space and time."""


class Window:
    """Counts of the last `seconds`, kept as `steps` sums: the oldest sum goes as a whole.

    What is counted is therefore between `seconds` less one step and `seconds` old at most.
    """

    def __init__(self, seconds: float, *, steps: int) -> None:
        self._width = seconds / steps
        self._sums = [0] * steps
        self._total = 0
        self._step = self._at = 0
        self._turns_at = float("-inf")

    def add(self, now: float) -> None:
        """It happened once more."""
        if now >= self._turns_at:
            self._turn(now)
        self._sums[self._at] += 1
        self._total += 1

    def total(self, now: float) -> int:
        """How often it happened in the window that ends now."""
        if now >= self._turns_at:
            self._turn(now)
        return self._total

    def clear(self) -> None:
        """Begin anew."""
        self._sums = [0] * len(self._sums)
        self._total = 0

    def _turn(self, now: float) -> None:
        step = int(now / self._width)
        steps = len(self._sums)
        for passed in range(max(self._step, step - steps) + 1, step + 1):
            at = passed % steps
            self._total -= self._sums[at]
            self._sums[at] = 0
        self._step, self._at = step, step % steps
        self._turns_at = (step + 1) * self._width
