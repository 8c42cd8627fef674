-- +goose Up

-- What a save-cancel came to is history, for the tables' owner too: only what is collected of its claim changes.
CREATE TRIGGER point_cancel_no_delete BEFORE DELETE ON money.point_cancel
    FOR EACH ROW EXECUTE FUNCTION money.refuse_change();
CREATE TRIGGER point_cancel_no_truncate BEFORE TRUNCATE ON money.point_cancel
    FOR EACH STATEMENT EXECUTE FUNCTION money.refuse_change();
CREATE TRIGGER point_cancel_only_collected BEFORE UPDATE ON money.point_cancel FOR EACH ROW
    WHEN ((OLD.member_id, OLD.cancel_point_member_id, OLD.save_point_member_id, OLD.asked, OLD.taken, OLD.expired, OLD.uncollected, OLD.policy)
        IS DISTINCT FROM
          (NEW.member_id, NEW.cancel_point_member_id, NEW.save_point_member_id, NEW.asked, NEW.taken, NEW.expired, NEW.uncollected, NEW.policy))
    EXECUTE FUNCTION money.refuse_change();
