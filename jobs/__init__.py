"""Pictures that outlive a request: kept in a store, done bit by bit, by this process or by workers on many machines."""
