-- The same as before, a dozen times as fast: verification decodes the location of every stored answer.
CREATE OR REPLACE FUNCTION uuid_of_type_id(type_id text) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    digits text := substring(type_id FROM '_([0-7][0-9a-hjkmnp-tv-z]{25})$');
    value  integer := 0;
    hex    text := '';
BEGIN
    IF digits IS NULL THEN
        RETURN NULL;
    END IF;
    -- Two digits are the first byte, and four each are five digits of 4 bits.
    FOR place IN 1..26 LOOP
        value := value * 32 + strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(digits, place, 1)) - 1;
        IF place % 4 = 2 THEN
            hex := hex || lpad(to_hex(value), CASE place WHEN 2 THEN 2 ELSE 5 END, '0');
            value := 0;
        END IF;
    END LOOP;
    RETURN hex::uuid;
END
$$;
