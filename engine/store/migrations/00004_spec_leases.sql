-- Until when a spec that no object version refers to is kept for an apply; 0 = one does.
{{add "spec" (number "lease_until")}};

-- What was put before and never applied. The names in between keep the list of objects a list, made once.
UPDATE spec SET lease_until=1 WHERE lease_until=0 AND digest NOT IN (SELECT digest FROM (SELECT DISTINCT digest FROM object) applied);

{{index "spec_by_lease" "spec" "lease_until"}};
