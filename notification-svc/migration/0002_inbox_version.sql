-- Which state a user's notifications are in: the counters alone may come back to earlier values, this only grows. A list
-- that was read at one version is the same at the same version.
ALTER TABLE notification_counters ADD COLUMN version bigint NOT NULL DEFAULT 0 CHECK (version >= 0);
