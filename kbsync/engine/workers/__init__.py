"""How work is handed out: queue, workers, permits, throttle, back-off."""
