import millstream as tf
from millstream.compat.device_lib import list_local_devices


def test_devices_are_messages_with_short_names():
    (device,) = list_local_devices()
    assert (device.name, device.device_type) == ("/device:CPU:0", "CPU")
    assert device.memory_limit > 0
    assert device.DESCRIPTOR.full_name == "tensorflow.DeviceAttributes"


def test_the_configuration_says_how_many():
    devices = list_local_devices(tf.ConfigProto(device_count={"CPU": 2}))
    assert [device.name for device in devices] == ["/device:CPU:0", "/device:CPU:1"]
