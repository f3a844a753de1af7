package leat;

/** Tables of the connector `upsert-kafka` over Topics. */
public final class UpsertKafkaTables extends KafkaTables {
    @Override
    boolean upsert() {
        return true;
    }

    @Override
    public String factoryIdentifier() {
        return "upsert-kafka";
    }
}
